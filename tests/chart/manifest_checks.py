"""What must hold of the objects that the chart renders, whatever the values are. Each check yields problems."""

import re

import yaml

# How long an IMS-AGW may take to end after its drain: then it says `stopped_late` and goes (agw-service/main.cc).
AGW_STOP_SECONDS = 20
# What an IMS-ALG may take: calls under way, and what is taken back from IMS-AGWs (alg-service/main.cc).
ALG_STOP_SECONDS = 10 + 30
POD_KINDS = {"StatefulSet", "Deployment", "Pod"}
UNITS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}


def seconds(duration):
    number, unit = re.fullmatch(r"([0-9.]+)([a-z]+)", duration).groups()
    return float(number) * UNITS[unit]


class Release:
    """The objects of one rendering, and the values they come from."""

    def __init__(self, objects, values):
        self.objects = objects
        self.values = values

    def all(self, kind):
        return [o for o in self.objects if o["kind"] == kind]

    def one(self, kind, component):
        found = [o for o in self.all(kind) if o["metadata"]["labels"].get("app.kubernetes.io/component") == component]
        assert len(found) == 1, f"{len(found)} objects of kind {kind} for {component}"
        return found[0]

    def pods(self):
        """Component to metadata and spec of its pods."""
        return {o["metadata"]["labels"]["app.kubernetes.io/component"]:
                (o if o["kind"] == "Pod" else o["spec"]["template"]) for o in self.objects if o["kind"] in POD_KINDS}

    def config(self, component):
        return yaml.safe_load(self.one("ConfigMap", component)["data"][f"{component}.yaml"])

    def workload(self, component):
        return self.one({"agw": "StatefulSet", "alg": "Deployment"}[component], component)

    def certificate_name(self, component):
        return f"{self.one('Service', 'agw')['metadata']['name'][:-len('-agw')]}-{component}"


def selects(selector, labels):
    matches = all(labels.get(k) == v for k, v in selector.get("matchLabels", {}).items())
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In"
        matches = matches and labels.get(expression["key"]) in expression["values"]
    return matches


def names_and_labels(release):
    for o in release.objects:
        metadata = o["metadata"]
        where = f"{o['kind']} {metadata['name']}"
        if metadata.get("namespace") != "media":
            yield f"{where} is not in the release's namespace"
        for label in ("name", "instance", "version", "managed-by", "part-of"):
            if not metadata["labels"].get(f"app.kubernetes.io/{label}"):
                yield f"{where} has no label app.kubernetes.io/{label}"
        for label, value in release.values.get("commonLabels", {}).items():
            if metadata["labels"].get(label) != value:
                yield f"{where} has not the common label {label}"
    seen = [(o["kind"], o["metadata"]["name"]) for o in release.objects]
    yield from (f"{kind} {name} is there twice" for kind, name in sorted({n for n in seen if seen.count(n) > 1}))


def no_pod_has_a_token(release):
    for component, pod in release.pods().items():
        if pod["spec"].get("automountServiceAccountToken") is not False:
            yield f"pods of {component} get a token"
    for account in release.all("ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield "the service account gives its token"


def nothing_is_allowed_but_what_is_needed(release):
    mode = release.values["agw"]["netAdmin"]
    for component, pod in release.pods().items():
        of_pod = pod["spec"]["securityContext"]
        root = component == "agw" and mode == "root"
        if of_pod["runAsNonRoot"] is root or of_pod["runAsUser"] != (0 if root else 65532):
            yield f"{component} runs as {of_pod}"
        if of_pod["seccompProfile"] != {"type": "RuntimeDefault"}:
            yield f"{component} has no seccomp profile"
        for forbidden in ("hostPID", "hostIPC"):
            if pod["spec"].get(forbidden):
                yield f"{component} has {forbidden}"
        for container in pod["spec"]["containers"]:
            context = container["securityContext"]
            added = ["NET_ADMIN"] if component == "agw" and mode != "none" else None
            if context["capabilities"].get("drop") != ["ALL"] or context["capabilities"].get("add") != added:
                yield f"{component} has the capabilities {context['capabilities']}"
            if context["readOnlyRootFilesystem"] is not True or context.get("privileged"):
                yield f"{component} can write to its root file system, or is privileged"
            if context["allowPrivilegeEscalation"] is not (component == "agw" and mode == "fileCapability"):
                yield f"{component}: allowPrivilegeEscalation is {context['allowPrivilegeEscalation']}"
            if not container["resources"].get("requests") or "memory" not in container["resources"].get("limits", {}):
                yield f"{component} has no requests, or no limit of memory"


def pods_may_end_in_their_time(release):
    drain = seconds(release.config("agw")["drain_time"]) + seconds(release.config("agw")["drain_close_time"])
    grace = release.workload("agw")["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    if not drain + AGW_STOP_SECONDS < grace <= drain + 2 * AGW_STOP_SECONDS:
        yield f"IMS-AGW: {drain:.0f} s of drain and a grace period of {grace} s"
    spec = release.workload("alg")["spec"]["template"]["spec"]
    sleep = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    if not sleep + ALG_STOP_SECONDS < spec["terminationGracePeriodSeconds"]:
        yield f"IMS-ALG: a grace period of {spec['terminationGracePeriodSeconds']} s"


def agws_have_stable_names_and_are_found_while_they_drain(release):
    service = release.one("Service", "agw")
    workload = release.workload("agw")["spec"]
    if service["spec"].get("clusterIP") != "None" or service["spec"].get("publishNotReadyAddresses") is not True:
        yield "the Service of the IMS-AGWs is not headless, or drops those that drain"
    if workload["serviceName"] != service["metadata"]["name"] or workload["podManagementPolicy"] != "Parallel":
        yield "the StatefulSet is not that of the Service, or not parallel"
    if workload["updateStrategy"] != {"type": "RollingUpdate"} or release.config("agw")["instance_id"] != "${POD_NAME}":
        yield "a pod's name is not its instance id"
    port, = service["spec"]["ports"]
    target = f"{service['metadata']['name']}.media.svc.{release.values['clusterDomain']}:{port['port']}"
    if release.config("alg")["gateways"]["targets"] != (release.values["alg"]["gatewayTargets"] or [target]):
        yield f"the IMS-ALG asks {release.config('alg')['gateways']['targets']}"
    # The longest that names of pods are kept (CoreDNS: 30 s), and what the IMS-ALG takes to look again.
    if workload["minReadySeconds"] < 30 + 10:
        yield "a rolling update goes on before the IMS-ALG has found the new IMS-AGW"


def selectors_select(release):
    pods = {component: pod["metadata"]["labels"] for component, pod in release.pods().items()}

    def selected(selector):
        return {component for component, labels in pods.items() if selects(selector, labels)}

    wanted = []
    for component in ("agw", "alg"):
        wanted += [(release.workload(component), release.workload(component)["spec"]["selector"], {component}),
                   (release.one("PodDisruptionBudget", component),
                    release.one("PodDisruptionBudget", component)["spec"]["selector"], {component})]
        service = release.one("Service", component)
        wanted.append((service, {"matchLabels": service["spec"]["selector"]}, {component}))
        for constraint in release.workload(component)["spec"]["template"]["spec"]["topologySpreadConstraints"]:
            wanted.append((release.workload(component), constraint["labelSelector"], {component}))
    for policy in release.all("NetworkPolicy"):
        wanted.append((policy, policy["spec"]["podSelector"],
                       {policy["metadata"]["labels"]["app.kubernetes.io/component"]}))
    for monitor in release.all("PodMonitor"):
        wanted.append((monitor, monitor["spec"]["selector"], {"agw", "alg"}))
    for o, selector, components in wanted:
        if selected(selector) != components:
            yield f"{o['kind']} {o['metadata']['name']} selects the pods of {sorted(selected(selector))}"
    for component in ("agw", "alg"):
        workload = release.workload(component)["spec"]["selector"]["matchLabels"]
        if any("version" in label or "chart" in label for label in workload):
            yield f"the selector of {component} changes with the version"


def ports_have_the_names_they_are_called_by(release):
    for component, pod in release.pods().items():
        if component == "iqctl":
            continue
        container, = pod["spec"]["containers"]
        ports = {p["name"]: p["containerPort"] for p in container["ports"]}
        listens = release.config(component)
        grpc = {"agw": "iq", "alg": "api"}[component]
        for name in (grpc, "http"):
            if not listens[name]["listen_address"].endswith(f":{ports[name]}"):
                yield f"{component} listens on {listens[name]['listen_address']}, and its port {name} is {ports[name]}"
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            path = "/readyz" if probe == "readinessProbe" else "/healthz"
            if container[probe]["httpGet"] != {"path": path, "port": "http"}:
                yield f"{component}: {probe} asks {container[probe]['httpGet']}"
        if [p["targetPort"] for p in release.one("Service", component)["spec"]["ports"]] != [grpc]:
            yield f"the Service of {component} leads elsewhere than to {grpc}"
    for monitor in release.all("PodMonitor"):
        if [(e["port"], e["path"]) for e in monitor["spec"]["podMetricsEndpoints"]] != [("http", "/metrics")]:
            yield "the PodMonitor does not ask /metrics"


def media_does_not_share_with_control(release):
    """Iq and HTTP are on the pod's own address only, never on a wildcard: an access network must not reach them."""
    ipv6 = release.values["ipFamilies"][0] == "IPv6"
    config = release.config("agw")
    for section, port in (("iq", "iq"), ("http", "http")):
        address = ("[${POD_IP}]" if ipv6 else "${POD_IP}") + f":{release.values['agw']['ports'][port]}"
        if config[section]["listen_address"] != address:
            yield f"{section} listens on {config[section]['listen_address']}"


def pods_know_what_their_configuration_asks_for(release):
    pod = release.pods()["agw"]
    environment = {e["name"]: e.get("valueFrom", {}).get("fieldRef", {}).get("fieldPath")
                   for e in pod["spec"]["containers"][0]["env"]}
    wanted = {"POD_NAME": "metadata.name", "POD_IP": "status.podIP", "NODE_NAME": "spec.nodeName", "HOST_IP": "status.hostIP"}
    yield from (f"{name} is {environment.get(name)}" for name, path in wanted.items() if environment.get(name) != path)
    text = release.one("ConfigMap", "agw")["data"]["agw.yaml"]
    yield from (f"${{{name}}} is not set" for name in re.findall(r"\$\{(\w+)\}", text) if name not in environment)
    for component in ("agw", "alg"):
        pod = release.pods()[component]
        if not re.fullmatch("[0-9a-f]{64}", pod["metadata"]["annotations"].get("checksum/config", "")):
            yield f"pods of {component} do not follow their configuration"


def both_ends_of_each_hop_know_the_names(release):
    agw, alg = release.config("agw"), release.config("alg")
    files = {"certificate_file": "/etc/iqgate/tls/tls.crt", "key_file": "/etc/iqgate/tls/tls.key",
             "ca_file": "/etc/iqgate/tls/ca.crt"}
    for where, tls in (("iq", agw["iq"]["tls"]), ("api", alg["api"]["tls"]), ("gateways", alg["gateways"]["tls"])):
        if {k: tls.get(k) for k in files} != files:
            yield f"{where} has the files {tls}"
    if alg["gateways"]["tls"].get("server_name") != release.certificate_name("agw"):
        yield "the IMS-ALG expects another name of IMS-AGWs"
    if agw["iq"]["tls"]["allowed_client_names"] != [release.certificate_name("alg"), release.certificate_name("iqctl")]:
        yield f"IMS-AGWs let in {agw['iq']['tls']['allowed_client_names']}"
    clients = [release.certificate_name(c) for c in ("alg", "iqctl")]
    if release.values["tls"]["mode"] == "selfMade":
        clients.append(release.certificate_name("client"))
    if alg["api"]["tls"]["allowed_client_names"] != clients + release.values["alg"]["allowedClientNames"]:
        yield f"the IMS-ALG lets in {alg['api']['tls']['allowed_client_names']}"
    for certificate in release.all("Certificate"):
        component = certificate["metadata"]["labels"]["app.kubernetes.io/component"]
        if release.certificate_name(component) not in certificate["spec"]["dnsNames"]:
            yield f"the certificate of {component} is for {certificate['spec']['dnsNames']}"
        if not {"server auth", "client auth"} <= set(certificate["spec"]["usages"]):
            yield f"the certificate of {component} is for {certificate['spec']['usages']}"


def certificates_are_mounted_so_that_they_change(release):
    made = {s["metadata"]["name"] for s in release.all("Secret")}
    made |= {c["spec"]["secretName"] for c in release.all("Certificate")}
    made |= {n for n in release.values["tls"]["existingSecrets"].values() if n}
    for component, pod in release.pods().items():
        mount, = [m for m in pod["spec"]["containers"][0]["volumeMounts"] if m["name"] == "tls"]
        volume, = [v for v in pod["spec"]["volumes"] if v["name"] == "tls"]
        if mount != {"name": "tls", "mountPath": "/etc/iqgate/tls", "readOnly": True}:
            yield f"{component} mounts {mount}"
        if volume["secret"]["secretName"] not in made:
            yield f"{component} wants the secret {volume['secret']['secretName']}, which nobody makes"
        if made and component not in volume["secret"]["secretName"] and release.values["tls"]["mode"] != "existingSecrets":
            yield f"{component} has the secret {volume['secret']['secretName']}"


def network_modes_are_what_they_say(release):
    mode = release.values["agw"]["network"]["mode"]
    pod = release.pods()["agw"]
    spec = pod["spec"]
    host = mode == "hostNetwork"
    if bool(spec.get("hostNetwork")) is not host or (spec.get("dnsPolicy") == "ClusterFirstWithHostNet") is not host:
        yield f"mode {mode}: hostNetwork {spec.get('hostNetwork')}, dnsPolicy {spec.get('dnsPolicy')}"
    apart = [rule for rule in spec.get("affinity", {}).get("podAntiAffinity", {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution", []) if rule["topologyKey"] == "kubernetes.io/hostname"
        and selects(rule["labelSelector"], pod["metadata"]["labels"])]
    if host is not bool(apart):
        yield f"mode {mode}: required anti-affinity {apart}"
    networks = yaml.safe_load(pod["metadata"]["annotations"].get("k8s.v1.cni.cncf.io/networks", "[]"))
    config = {r["name"]: r for r in release.config("agw")["realms"]}
    attached = {n["interface"]: n for n in networks}
    for name, realm in release.values["agw"]["realms"].items():
        addresses = config[name]["addresses"]
        interfaces = {a.get("interface") for a in addresses}
        if realm.get("network"):
            interface, = interfaces
            reference = f"{attached[interface]['namespace']}/{attached[interface]['name']}"
            if reference not in (realm["network"], f"media/{realm['network']}"):
                yield f"realm {name} is on {reference}"
            if attached[interface].get("default-route", []) != realm.get("defaultRoute", []):
                yield f"realm {name} has the default routes {attached[interface].get('default-route')}"
        elif host and not realm.get("interface"):
            if [a.get("bind") for a in addresses] != ["${HOST_IP}"]:
                yield f"realm {name} binds {addresses}"
        elif interfaces != {realm.get("interface") or "eth0"}:
            yield f"realm {name} is on {interfaces}"
        if (config[name]["first_port"], config[name]["last_port"]) != (realm["firstPort"], realm["lastPort"]):
            yield f"realm {name} has other ports"
    if len(networks) != sum(1 for r in release.values["agw"]["realms"].values() if r.get("network")):
        yield f"{len(networks)} networks of Multus"


def peers(rule):
    return rule.get("from", "anybody")


def only_those_come_in_who_are_named(release):
    values = release.values["networkPolicy"]
    policies = {p["metadata"]["labels"]["app.kubernetes.io/component"]: p["spec"] for p in release.all("NetworkPolicy")}
    wanted = set()
    if values["enabled"]:
        wanted = {"alg"} if release.values["agw"]["network"]["mode"] == "hostNetwork" else {"alg", "agw"}
    if set(policies) != wanted:
        yield f"network policies for {sorted(policies)}"
    pods = {component: pod["metadata"]["labels"] for component, pod in release.pods().items()}
    for component, policy in policies.items():
        if policy["policyTypes"] != ["Ingress"]:
            yield f"{component}: {policy['policyTypes']}"
        grpc, extra = {"agw": ("iq", values["iqFrom"]), "alg": ("api", values["apiFrom"])}[component]
        rules = {rule["ports"][0]["port"]: rule for rule in policy["ingress"]}
        callers = [peer for peer in peers(rules[grpc]) if peer not in extra]
        if {c for c in pods for peer in callers if selects(peer["podSelector"], pods[c])} != {"alg", "iqctl"}:
            yield f"{component}: {grpc} is open to {callers}"
        if peers(rules["http"]) != values["metricsFrom"]:
            yield f"{component}: http is open to {peers(rules['http'])}"
        media = {(rule["ports"][0]["port"], rule["ports"][0]["endPort"]) for rule in policy["ingress"]
                 if "endPort" in rule["ports"][0]}
        ranges = {(r["firstPort"], r["lastPort"]) for r in release.values["agw"]["realms"].values() if not r.get("network")}
        if media != (ranges if component == "agw" else set()) or len(policy["ingress"]) != 2 + len(media):
            yield f"{component}: media ports {sorted(media)} of {len(policy['ingress'])} rules"


def iqctl_finds_everything(release):
    for component in ("alg", "iqctl"):
        pod = release.pods()[component]
        environment = {e["name"]: e.get("value") for e in pod["spec"]["containers"][0]["env"]}
        agw = ",".join(release.values["alg"]["gatewayTargets"]) or (
            f"{release.one('Service', 'agw')['metadata']['name']}:{release.values['agw']['ports']['iq']}")
        wanted = {"IQCTL_ALG": f"{release.one('Service', 'alg')['metadata']['name']}:7050", "IQCTL_AGW": agw,
                  "IQCTL_TLS_SERVER_NAME": f"alg={release.certificate_name('alg')},agw={release.certificate_name('agw')}",
                  "IQCTL_TLS_CA": "/etc/iqgate/tls/ca.crt", "IQCTL_TLS_CERT": "/etc/iqgate/tls/tls.crt",
                  "IQCTL_TLS_KEY": "/etc/iqgate/tls/tls.key"}
        if environment != wanted:
            yield f"{component}: {environment}"


def images_are_those_of_the_version(release):
    image = release.values["image"]
    for component, pod in release.pods().items():
        own = release.values[component]["image"]
        wanted = f"{image['registry']}/{own['repository']}" + (f"@{own['digest']}" if own["digest"] else ":0.1.0")
        if pod["spec"]["containers"][0]["image"] != wanted:
            yield f"{component} has the image {pod['spec']['containers'][0]['image']}"
        if [s["name"] for s in pod["spec"].get("imagePullSecrets", [])] != image["pullSecrets"]:
            yield f"{component} has the pull secrets {pod['spec'].get('imagePullSecrets')}"


def replicas_are_those_of_the_values(release):
    if release.workload("agw")["spec"]["replicas"] != release.values["agw"]["replicas"]:
        yield "the StatefulSet has other replicas"
    alg = release.values["alg"]
    scalers = release.all("HorizontalPodAutoscaler")
    if alg["autoscaling"]["enabled"]:
        spec = scalers[0]["spec"]
        if "replicas" in release.workload("alg")["spec"]:
            yield "the Deployment and the autoscaler both set replicas"
        if (spec["minReplicas"], spec["maxReplicas"]) != (alg["autoscaling"]["minReplicas"], alg["autoscaling"]["maxReplicas"]):
            yield f"the autoscaler goes from {spec['minReplicas']} to {spec['maxReplicas']}"
        if spec["scaleTargetRef"]["name"] != release.workload("alg")["metadata"]["name"]:
            yield "the autoscaler scales something else"
    elif scalers or release.workload("alg")["spec"]["replicas"] != alg["replicas"]:
        yield "the Deployment has other replicas"


CHECKS = [names_and_labels, no_pod_has_a_token, nothing_is_allowed_but_what_is_needed, pods_may_end_in_their_time,
          agws_have_stable_names_and_are_found_while_they_drain, selectors_select, ports_have_the_names_they_are_called_by,
          media_does_not_share_with_control, pods_know_what_their_configuration_asks_for, both_ends_of_each_hop_know_the_names,
          certificates_are_mounted_so_that_they_change, network_modes_are_what_they_say, only_those_come_in_who_are_named,
          iqctl_finds_everything, images_are_those_of_the_version, replicas_are_those_of_the_values]
