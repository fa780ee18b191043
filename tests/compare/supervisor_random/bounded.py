"""A stage whose daemon is ended at once, with all that it started."""
import os, pathlib, signal, time
from supervisor_scenarios.stage import Stage

def family(pid):
    """A process and what descends from it."""
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            found += family(int(child))
    return found

class Bounded(Stage):
    def environment(self):
        # A daemon removes the logs of another of its name where it keeps its own.
        return {**super().environment(), "TMPDIR": str(self.d)}

    def step(self, step):
        if step[0] != "try" and self.daemon and self.daemon.poll() is not None:
            return "no daemon"
        try:
            return super().step(step)
        except Exception as e:
            return f"fails: {type(e).__name__}"

    def wait(self, ready):
        """Ten seconds: what takes longer is no answer."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if got := self.wait_for(ready, 1):
                return got
        return None

    def finish(self):
        if self.daemon and self.daemon.poll() is None:
            for pid in family(self.daemon.pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            self.daemon.wait()
