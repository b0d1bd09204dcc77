"""What a service's process and whoever started it agree on."""

EXIT_CONFIGURATION = 78
"""Wrong settings: starting it again would not help."""

EXIT_LOST_CONSUMERS = 75
"""The broker forgot its consumers and connecting anew did not help: start it again."""

SUPERVISED = "POSTROOM_SUPERVISED"
"""Set by postroom.devkit.supervisor: standard input is the pipe to the supervisor, and its end means stop."""
