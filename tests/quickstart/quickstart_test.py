"""tools/quickstart, as a person runs it: the verdict, the exit code, and that nothing is left running."""

import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

from junit import main

PATIENCE = 60  # Seconds; nothing waits that long when all is well.


def processes_of(session):
    """The processes of a session of the system, but for those that are over: (id, name) each."""
    found = []
    for file in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, tail = file.read_text(encoding="utf-8", errors="replace").rpartition(")")
        except (FileNotFoundError, ProcessLookupError):
            continue
        state, _, _, its_session = tail.split()[:4]
        if int(its_session) == session and state != "Z":
            found.append(head.replace(" (", " "))
    return found


class QuickstartTest(unittest.TestCase):

    def setUp(self):
        self.logs = self.enterContext(tempfile.TemporaryDirectory())

    def start(self):
        """In a session of its own, so that whatever it starts can be told from all else."""
        process = subprocess.Popen(["tools/quickstart", "--programs=.", f"--logs={self.logs}"],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   start_new_session=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(self.kill_all, process)
        return process

    @staticmethod
    def kill_all(process):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def wait_for_log(self, process, service, event):
        deadline = time.monotonic() + PATIENCE
        file = pathlib.Path(self.logs, f"{service}.log")
        while not (file.exists() and f'"{event}"' in file.read_text(encoding="utf-8")):
            if process.poll() is not None:
                self.fail(f"it ended without {event} in {file}:\n{process.stdout.read()}")
            self.assertLess(time.monotonic(), deadline, f"no {event} in {file}")
            time.sleep(0.01)

    def expect_nothing_left(self, process):
        # bash has waited for the services; what they started would show here.
        self.assertEqual(processes_of(process.pid), [])

    def test_both_flows_end_with_the_verdict(self):
        process = self.start()
        output, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 0, output)
        self.assertTrue(output.splitlines()[-1].startswith("OK: "), output)
        self.assertIn("Flow 1: ", output)
        self.assertIn("Flow 2: ", output)
        self.expect_nothing_left(process)

    def test_a_flow_that_fails_ends_with_the_verdict(self):
        process = self.start()
        self.wait_for_log(process, "agw", "agw_started")
        for entry in processes_of(process.pid):
            number, name = entry.split(maxsplit=1)
            if name == "agw":
                os.kill(int(number), signal.SIGKILL)
        output, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 1, output)
        self.assertTrue(output.splitlines()[-1].startswith("FAILED"), output)
        self.assertIn("The last lines of agw-service's log:", output)
        self.expect_nothing_left(process)

    def test_interrupted_at_the_keyboard(self):
        process = self.start()
        self.wait_for_log(process, "alg", "started")
        # The terminal tells all of the foreground.
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 130)
        self.expect_nothing_left(process)

    def test_terminated_amid_a_flow(self):
        process = self.start()
        self.wait_for_log(process, "agw", "tcp_established")
        process.terminate()
        process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 143)
        self.expect_nothing_left(process)


if __name__ == "__main__":
    main()
