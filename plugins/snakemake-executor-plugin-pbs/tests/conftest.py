"""Where pytest itself was started in the background, Ctrl-C would be ignored by all it starts."""

import signal

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
