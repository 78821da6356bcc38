#!/usr/bin/env python3
"""Runs modules of checks: one line for each check as it ends, then `N passed, M failed`; exit 1 unless all passed.

run.py MODULE ...
"""

import os
import signal
import sys
import time
import unittest

from places import begin_scratch


class Report(unittest.TestResult):
    """Prints the result of each check. A skipped check counts as failed."""

    passed = failed = 0

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.began = time.monotonic()

    def addSuccess(self, test: unittest.TestCase) -> None:
        self.passed += 1
        print(f"  ok    {_sentence(test)} ({time.monotonic() - self.began:.1f} s)", flush=True)

    def addFailure(self, test: unittest.TestCase, err) -> None:
        self._failed(test, self._exc_info_to_string(err, test))

    addError = addFailure

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self._failed(test, f"skipped: {reason}\n")

    def addExpectedFailure(self, test: unittest.TestCase, err) -> None:
        self._failed(test, "a check must not expect its own failure\n")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        self._failed(test, "a check must not expect its own failure\n")

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err) -> None:
        if err is not None:
            self._failed(subtest, self._exc_info_to_string(err, test))

    def _failed(self, test: unittest.TestCase, reason: str) -> None:
        self.failed += 1
        print(f"  FAIL  {_sentence(test)}\n{reason}", end="", flush=True)


def _sentence(test: unittest.TestCase) -> str:
    """The check's name as a sentence."""
    # A subtest adds its own name.
    whole, part = getattr(test, "test_case", test), getattr(test, "_message", None)
    name = getattr(whole, "_testMethodName", None) or str(whole)
    sentence = name.removeprefix("test_").replace("_", " ")
    return f"{sentence}: {part}" if isinstance(part, str) else sentence


def main() -> int:
    # SIGTERM must also end the programs of the check, so it raises KeyboardInterrupt, which no check catches.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    report = Report()
    for module in sys.argv[1:]:
        begin_scratch(module)
        try:
            unittest.defaultTestLoader.loadTestsFromName(module).run(report)
        finally:
            unittest.doModuleCleanups()
    if report.testsRun == 0 and report.failed == 0:
        report.failed = 1
        print("  FAIL  no check was found")
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Not sys.exit, which waits for all threads: a failed check may have left a thread that never ends.
    os._exit(code)
