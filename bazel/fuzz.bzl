"""Fuzz targets that are ordinary tests over their corpus, and libFuzzer binaries on request."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_test")

def cc_fuzz_test(name, srcs, corpus, deps = [], **kwargs):
    """A fuzz target: `srcs` define LLVMFuzzerTestOneInput().

    `bazel test` calls it with every file of the corpus, with any compiler. To look for new inputs:

        tools/fuzz SECONDS NAME_fuzzer

    Args:
      name: the test; it ends in "_fuzz_test".
      srcs: the source with LLVMFuzzerTestOneInput().
      corpus: label of a filegroup with inputs, among them every one that once broke something.
      deps: of the source.
      **kwargs: passed on to both targets.
    """
    cc_test(
        name = name,
        size = "small",
        srcs = srcs,
        args = ["$(locations %s)" % corpus],
        data = [corpus],
        deps = deps + ["//bazel:fuzz_corpus_main"],
        **kwargs
    )
    cc_binary(
        name = name[:-len("_test")] + "er",
        testonly = True,
        srcs = srcs,
        # Bazel links with clang, not clang++, so UBSan's C++ part has to be asked for.
        linkopts = ["-fsanitize=fuzzer", "-fsanitize-link-c++-runtime"],
        tags = [
            "fuzzer",
            "manual",
        ],
        data = [corpus],  # tools/fuzz finds it among the runfiles.
        deps = deps,
        **kwargs
    )
