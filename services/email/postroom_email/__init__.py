"""Sends mail: the job `email.send`, and the mails that follow from what users do."""
