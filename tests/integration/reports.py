"""What both conftest.py need to know of a test that has ended."""

import sys

import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    setattr(item, f"report_{call.when}", outcome.get_result())


def failed(request):
    return getattr(getattr(request.node, "report_call", None), "failed", True)


def end_all(instances, request):
    """The end of a test's Silexes: those of a test that passed must stop well, the others' logs are
    shown."""
    for s in instances:
        if failed(request):
            sys.stderr.write(s.log())
            s.abandon()
        else:
            try:
                s.stop()
            finally:
                s.abandon()
