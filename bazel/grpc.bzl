"""C++ from .proto files with the installed protoc and gRPC plugin."""

load("@rules_cc//cc:defs.bzl", "cc_library")

def _generate(name, src, import_root, suffixes, flags):
    # The path below the import root, which is where protoc puts what it makes.
    package = native.package_name()
    prefix = package[len(import_root):].lstrip("/") if package.startswith(import_root) else ""
    stem = src[:-len(".proto")]
    outs = [stem + suffix for suffix in suffixes]
    native.genrule(
        name = name,
        srcs = [
            src,
            "//proto:all_protos",
            "//third_party/dpkg:versions",  # Of protoc, its plugin and the protos they bring.
            "//third_party/googleapis:all_protos",
        ],
        outs = outs,
        cmd = " ".join([
            "protoc",
            "-I" + import_root,
            "-Iproto" if import_root != "proto" else "",
            "-Ithird_party/googleapis" if import_root != "third_party/googleapis" else "",
            "-I/usr/include",
        ] + [flag.format(out = "$(GENDIR)/" + import_root) for flag in flags] + [
            "$(location %s)" % src,
        ]),
        message = "Generating C++ from " + (prefix + "/" if prefix else "") + src,
    )
    return [out for out in outs if out.endswith(".h")], [out for out in outs if out.endswith(".cc")]

def cc_proto_library(name, src, import_root = "proto", deps = [], **kwargs):
    """Compiles the messages of `src`.

    Args:
      name: target to depend on.
      src: one .proto file of this package.
      import_root: the folder that imports start from.
      deps: cc_proto_library targets of the files it imports.
      **kwargs: passed on to cc_library.
    """
    hdrs, srcs = _generate(
        name + "_codegen",
        src,
        import_root,
        [".pb.h", ".pb.cc"],
        ["--cpp_out={out}"],
    )
    cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        strip_include_prefix = "/" + import_root,
        deps = deps + ["@com_google_protobuf//:protobuf"],
        **kwargs
    )

def cc_grpc_library(name, src, deps, import_root = "proto", **kwargs):
    """Compiles the service and stub of `src`, whose messages `deps` already has.

    Args:
      name: target to depend on.
      src: one .proto file of this package.
      deps: the cc_proto_library of the same file.
      import_root: the folder that imports start from.
      **kwargs: passed on to cc_library.
    """
    hdrs, srcs = _generate(
        name + "_codegen",
        src,
        import_root,
        [".grpc.pb.h", ".grpc.pb.cc"],
        ["--grpc_out={out}", "--plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin"],
    )
    cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        strip_include_prefix = "/" + import_root,
        deps = deps + ["@com_github_grpc_grpc//:grpc++"],
        **kwargs
    )
