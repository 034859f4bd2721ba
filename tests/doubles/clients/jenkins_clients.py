"""Drives a double of Jenkins with python-jenkins and api4jenkins. The argument is where it listens."""

import sys

import api4jenkins
import jenkins

URL = sys.argv[1]


def python_jenkins():
    server = jenkins.Jenkins(URL, username="user", password="token")
    assert server.get_version() == "2.541"
    assert server.get_whoami()["id"] == "double"
    info = server.get_job_info("shop/cart")
    assert info["name"] == "cart"
    item = server.build_job("shop/cart", {"ASSAY_KEY": "python", "BRANCH": "a=b"})
    queued = server.get_queue_item(item)
    assert queued["why"] == "Waiting for next available executor", queued
    number = server.get_queue_item(item)["executable"]["number"]
    while server.get_build_info("shop/cart", number)["building"]:
        pass
    assert server.get_build_info("shop/cart", number)["result"] == "SUCCESS"
    assert "Finished" in server.get_build_console_output("shop/cart", number)
    assert server.get_build_test_report("shop/cart", number)["passCount"] == 2
    second = server.build_job("shop/cart", {"ASSAY_KEY": "queued"})
    server.cancel_queue(second)
    third = server.build_job("shop/cart", {"ASSAY_KEY": "stopped"})
    server.get_queue_item(third)
    number = server.get_queue_item(third)["executable"]["number"]
    server.stop_build("shop/cart", number)
    assert server.get_build_info("shop/cart", number)["result"] == "ABORTED"
    assert server.get_queue_info() == []


def api4():
    server = api4jenkins.Jenkins(URL, auth=("user", "token"))
    assert server.version == "2.541"
    job = server.get_job("cart")
    item = job.build(ASSAY_KEY="api4")
    build = None
    while build is None:
        build = item.get_build()
    while build.building:
        pass
    assert build.result == "SUCCESS", build.result
    assert "Finished" in "".join(build.console_text())
    report = build.get_test_report()
    assert report.pass_count == 2, report
    assert [case.status for suite in report for case in suite] == ["PASSED", "PASSED"]
    second = job.build(ASSAY_KEY="stopped")
    build = None
    while build is None:
        build = second.get_build()
    build.stop()
    assert build.result == "ABORTED", build.result


python_jenkins()
api4()
