"""That the layer picture of ARCHITECTURE.md holds: edges that must not build."""

def must_not_see(*packages):
    """Declares that this package cannot depend on the default target of `packages`, each above it or beside it.

    The visibility of those packages refuses it. For each there is a target here, left out of `//...`, that
    tools/check_layers tries to build and expects to be refused.

    Args:
      *packages: a label of each.
    """
    for label in packages:
        native.filegroup(
            name = "must_not_see_" + label.lstrip("/").replace("/", "_").replace(":", "_"),
            testonly = True,
            srcs = [label],
            tags = [
                "manual",
                "must_not_build",
            ],
        )
