"""A cluster of which Helm sees its version, its kinds and its secrets: enough for the function `lookup` in templates."""

import collections
import contextlib
import http.server
import json
import threading


@contextlib.contextmanager
def fake_cluster(folder, known, secrets):
    """Serves `secrets` on loopback, where the kinds of the objects `known` exist. Yields a kubeconfig's path in `folder`."""
    kinds = collections.defaultdict(set)
    for manifest in known:
        kinds[manifest["apiVersion"]].add(manifest["kind"])
    groups = [{"name": group, "versions": [version], "preferredVersion": version}
              for name in kinds if "/" in name
              for group, version in [(name.split("/")[0], {"groupVersion": name, "version": name.split("/")[1]})]]
    answers = {
        "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.0"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups},
    }
    for name, of_version in kinds.items():
        answers[f"/apis/{name}" if "/" in name else f"/api/{name}"] = {
            "kind": "APIResourceList", "groupVersion": name,
            "resources": [{"name": kind.lower() + "s", "singularName": kind.lower(), "namespaced": True, "kind": kind,
                           "verbs": ["get", "list"]} for kind in of_version]}
    for secret in secrets:
        metadata = secret["metadata"]
        answers[f"/api/v1/namespaces/{metadata['namespace']}/secrets/{metadata['name']}"] = secret

    class Handler(http.server.BaseHTTPRequestHandler):

        def do_GET(self):
            answer = answers.get(self.path.partition("?")[0])
            body = json.dumps(answer or {"kind": "Status", "apiVersion": "v1", "status": "Failure",
                                         "reason": "NotFound", "code": 404}).encode()
            self.send_response(200 if answer else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "fake",
            "clusters": [{"name": "fake", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "nobody"}}],
            "users": [{"name": "nobody", "user": {}}]}))
        try:
            yield kubeconfig
        finally:
            server.shutdown()
            thread.join()
