"""Workers, the network and the store fail while jobs come in; in the end nothing is lost, nothing doubled.

``python -m chaos --jobs 20000 --pets 500``, with ``tests`` on the path, or ``make chaos``: prints what was
done and what was found, and fails where something is amiss. Networks are drawn, so the time goes into the
protocol. What happens is drawn from a seed; when it strikes depends on the machine.
"""
