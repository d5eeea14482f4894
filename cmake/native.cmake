# The native daemon and CLI.
