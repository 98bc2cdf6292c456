"""The program beside what people would take instead: each in an environment of its own, measured by the same clock.

``environments`` installs, ``harness`` runs inside an environment and measures, ``rounds`` takes turns and keeps what
was measured, ``ratios`` compares, ``tables`` and ``plots`` show. The other modules are the peers, one each, written as
their documentation shows; ``ours`` is this program in the same form.
"""
