"""Upstream's target names for headers that are installed already."""

load("@rules_cc//cc:defs.bzl", "cc_library")

def absl_labels(names):
    for name in names:
        cc_library(
            name = name,
            visibility = ["//visibility:public"],
            deps = ["//:all"],
        )
