"""unittest's main() that also writes the result of each case where bazel wants it."""

import os
import time
import unittest
from xml.etree import ElementTree


class _Result(unittest.TextTestResult):

    def startTestRun(self):
        super().startTestRun()
        self._suite = ElementTree.Element("testsuite", name="python")
        self._cases = {}

    def _case(self, test):
        name = test.id()
        if name not in self._cases:
            module_and_class, _, method = name.rpartition(".")
            self._cases[name] = ElementTree.SubElement(
                self._suite, "testcase", name=method, classname=module_and_class)
        return self._cases[name]

    def startTest(self, test):
        super().startTest(test)
        self._case(test).set("time", str(-time.monotonic()))

    def stopTest(self, test):
        super().stopTest(test)
        case = self._case(test)
        case.set("time", f"{time.monotonic() + float(case.get('time')):.3f}")

    def _add(self, kind, test, message):
        ElementTree.SubElement(self._case(test), kind, message=message)

    def addError(self, test, err):
        super().addError(test, err)
        self._add("error", test, str(err[1]))

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._add("failure", test, str(err[1]))

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._add("failure", test, f"{subtest}: {err[1]}")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._add("skipped", test, reason)

    def stopTestRun(self):
        super().stopTestRun()
        if "XML_OUTPUT_FILE" in os.environ:
            ElementTree.ElementTree(self._suite).write(os.environ["XML_OUTPUT_FILE"])


def main(module="__main__"):
    # ResourceWarnings say only that a test leaves closing to the end of its process.
    unittest.main(module, testRunner=unittest.TextTestRunner(
        verbosity=2, warnings="ignore", resultclass=_Result))
