"""Writes "up", and "again" whenever it goes on after a stop.

Not a shell: a stop that finds one between vfork(2) and its child's execve(2) leaves it waiting for
a stopped child, on Linux too. Not print(): a stop may come in the middle of it. And not a handler:
one that runs just before a sleep begins is heard of after the sleep.
"""
import os
import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCONT])
os.write(1, b"up\n")
while True:
    signal.sigwait([signal.SIGCONT])
    os.write(1, b"again\n")
