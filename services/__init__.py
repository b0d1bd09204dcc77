"""One package per service. A service never imports another; they meet on the wire only."""
