"""`spaturzu demo`: an outage, live, and then all twenty directions, through the real SDKs over real sockets."""
