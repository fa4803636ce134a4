{{/*
The configuration files. Fields are those of docs/configuration.md; what comes from values is checked by
values.schema.json, and here only what one value says about another.
*/}}

{{/* The interface of a realm, empty for the node's address: list $ NAME REALM. */}}
{{- define "iqgate.realmInterface" -}}
{{- $ := index . 0 }}
{{- $name := index . 1 }}
{{- $realm := index . 2 }}
{{- if $realm.interface }}{{ $realm.interface }}
{{- else if eq $.Values.agw.network.mode "hostNetwork" }}
{{- else if $realm.network }}{{ $name }}
{{- else }}eth0
{{- end }}
{{- end }}

{{/* The addresses of a realm, as JSON {"addresses": [...]}: list $ NAME REALM. */}}
{{- define "iqgate.realmAddresses" -}}
{{- $ := index . 0 }}
{{- $realm := index . 2 }}
{{- $path := printf "agw.realms.%s" (index . 1) }}
{{- $interface := include "iqgate.realmInterface" . }}
{{- $advertised := default dict $realm.advertised }}
{{- $by_node := default dict $realm.advertisedByNode }}
{{- $told := list }}
{{- range $family := list "IPv4" "IPv6" }}
  {{- $named := get $advertised (lower $family) }}
  {{- range $node, $addresses := $by_node }}
    {{- $named = or $named (get $addresses (lower $family)) }}
  {{- end }}
  {{- if $named }}{{ $told = append $told $family }}{{ end }}
{{- end }}
{{- $families := or $realm.families $told }}
{{- range $told }}
  {{- if not (has . $families) }}
    {{- fail (printf "%s: an %s address is advertised, but families has no %s" $path . .) }}
  {{- end }}
{{- end }}
{{- if not $interface }}
  {{- $families = or $families (list (first $.Values.ipFamilies)) }}
  {{- if ne (toJson $families) (toJson (list (first $.Values.ipFamilies))) }}
    {{- fail (printf "%s: the node's address is of the cluster's first family, %s; for %s name the interface" $path (first $.Values.ipFamilies) (join " and " $families)) }}
  {{- end }}
{{- end }}
{{- $addresses := list }}
{{- range $family := $families }}
  {{- $address := ternary (dict "interface" $interface "family" (lower $family)) (dict "bind" "${HOST_IP}") (ne $interface "") }}
  {{- $nodes := list }}
  {{- range $node, $of_node := $by_node }}
    {{- with get $of_node (lower $family) }}
      {{- $nodes = append $nodes (dict "node" $node "address" .) }}
    {{- end }}
  {{- end }}
  {{- with $nodes }}{{ $_ := set $address "advertised_by_node" . }}{{ end }}
  {{- with get $advertised (lower $family) }}{{ $_ := set $address "advertised" . }}{{ end }}
  {{- $addresses = append $addresses $address }}
{{- else }}
  {{- $addresses = list (dict "interface" $interface) }}
{{- end }}
{{- toJson (dict "addresses" $addresses) }}
{{- end }}

{{/* Stops where what values say about realms cannot work. */}}
{{- define "iqgate.checkRealms" -}}
{{- $mode := .Values.agw.network.mode }}
{{- $networks := 0 }}
{{- $sides := list }}
{{- $places := dict }}
{{- range $name, $realm := .Values.agw.realms }}
  {{- $path := printf "agw.realms.%s" $name }}
  {{- $interface := include "iqgate.realmInterface" (list $ $name $realm) }}
  {{- if gt (int $realm.firstPort) (int $realm.lastPort) }}
    {{- fail (printf "%s: firstPort %v is above lastPort %v" $path $realm.firstPort $realm.lastPort) }}
  {{- end }}
  {{- if and $realm.network (ne $mode "multus") }}
    {{- fail (printf "%s.network is for agw.network.mode multus only, and the mode is %s" $path $mode) }}
  {{- end }}
  {{- if and $realm.defaultRoute (not $realm.network) }}
    {{- fail (printf "%s.defaultRoute needs a network of Multus (%s.network)" $path $path) }}
  {{- end }}
  {{- if and $realm.advertisedByNode (ne $mode "hostNetwork") }}
    {{- fail (printf "%s.advertisedByNode is for agw.network.mode hostNetwork only: in mode %s a pod's address is not its node's" $path $mode) }}
  {{- end }}
  {{- if and (or (dig "advertised" "ipv4" "" $realm) (dig "advertised" "ipv6" "" $realm)) (gt (int $.Values.agw.replicas) 1) }}
    {{- fail (printf "%s.advertised would be announced by all %v replicas, so peers would reach the wrong one: use one replica, or advertisedByNode with agw.network.mode hostNetwork" $path $.Values.agw.replicas) }}
  {{- end }}
  {{- if and $realm.advertisedByNode (or (dig "advertised" "ipv4" "" $realm) (dig "advertised" "ipv6" "" $realm)) }}
    {{- fail (printf "%s: advertised and advertisedByNode exclude each other" $path) }}
  {{- end }}
  {{- if gt (len $interface) 15 }}
    {{- fail (printf "%s.interface: name one, %q is longer than the 15 characters of an interface" $path $interface) }}
  {{- end }}
  {{- if $realm.network }}
    {{- $networks = add1 $networks }}
    {{- if or (eq $interface "eth0") (eq $interface "lo") }}
      {{- fail (printf "%s.interface: %s is the pod's own, a network of Multus needs another name" $path $interface) }}
    {{- end }}
  {{- end }}
  {{- $sides = concat $sides (default list $realm.defaultFor) }}
  {{- $place := default "the node's address" $interface }}
  {{- range $other := default list (get $places $place) }}
    {{- if or $realm.network $other.network }}
      {{- fail (printf "agw.realms.%s and %s have both the interface %s, which a network of Multus needs for itself" $other.name $name $place) }}
    {{- end }}
    {{- if and (le (int $realm.firstPort) $other.last) (ge (int $realm.lastPort) $other.first) }}
      {{- fail (printf "agw.realms.%s and %s share %s, so their ports must not overlap: %d-%d and %v-%v" $other.name $name $place $other.first $other.last $realm.firstPort $realm.lastPort) }}
    {{- end }}
  {{- end }}
  {{- if has $interface (list "" "eth0") }}
    {{- range $what, $port := $.Values.agw.ports }}
      {{- if and (ge (int $port) (int $realm.firstPort)) (le (int $port) (int $realm.lastPort)) }}
        {{- fail (printf "%s: agw.ports.%s %v is among its ports, %v-%v" $path $what $port $realm.firstPort $realm.lastPort) }}
      {{- end }}
    {{- end }}
  {{- end }}
  {{- $_ := set $places $place (append (default list (get $places $place)) (dict "name" $name "network" $realm.network "first" (int $realm.firstPort) "last" (int $realm.lastPort))) }}
{{- end }}
{{- range list "access" "core" }}
  {{- $side := . }}
  {{- $count := 0 }}
  {{- range $sides }}{{ if eq . $side }}{{ $count = add1 $count }}{{ end }}{{ end }}
  {{- if ne (int $count) 1 }}
    {{- fail (printf "agw.realms: %d of them are defaultFor %s, and one must be" (int $count) $side) }}
  {{- end }}
{{- end }}
{{- if and (eq $mode "multus") (eq (int $networks) 0) }}
  {{- fail "agw.network.mode multus needs a network: set agw.realms.access.network or agw.realms.core.network" }}
{{- end }}
{{- if eq (int .Values.agw.ports.iq) (int .Values.agw.ports.http) }}
  {{- fail (printf "agw.ports.iq and agw.ports.http are both %v" .Values.agw.ports.iq) }}
{{- end }}
{{- if and .Values.agw.sysctls (eq $mode "hostNetwork") }}
  {{- fail "agw.sysctls: pods with hostNetwork have the node's; set them there" }}
{{- end }}
{{- end }}

{{/* Stops where the free-form part of a configuration says what the chart derives other things from: list $ "agw" [[FIELD INSTEAD]...]. */}}
{{- define "iqgate.checkFreeForm" -}}
{{- $ := index . 0 }}
{{- $component := index . 1 }}
{{- $config := get (get $.Values $component) "config" }}
{{- range index . 2 }}
  {{- $at := $config }}
  {{- range splitList "." (first .) }}
    {{- $at = ternary (get (default dict $at) .) "" (kindIs "map" $at) }}
  {{- end }}
  {{- if $at }}
    {{- fail (printf "%s.config.%s: %s" $component (first .) (last .)) }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "iqgate.agwConfig" -}}
{{- include "iqgate.checkRealms" . }}
{{- include "iqgate.checkFreeForm" (list . "agw" (list
    (list "instance_id" "it is the pod's name")
    (list "iq.listen_address" "set agw.ports.iq, from which Service and NetworkPolicy follow")
    (list "http.listen_address" "set agw.ports.http, from which probes follow")
    (list "realms" "set agw.realms")
    (list "drain_time" "set agw.drainTime, from which the pod's grace period follows")
    (list "drain_close_time" "set agw.drainCloseTime, from which the pod's grace period follows"))) }}
{{- $realms := list }}
{{- range $name, $realm := .Values.agw.realms }}
  {{- $generated := dict
      "name" $name
      "addresses" (get (include "iqgate.realmAddresses" (list $ $name $realm) | fromJson) "addresses")
      "first_port" (int $realm.firstPort)
      "last_port" (int $realm.lastPort) }}
  {{- range $field, $value := dict "default_for" $realm.defaultFor "allowed_remotes" $realm.allowedRemotes "denied_remotes" $realm.deniedRemotes }}
    {{- if $value }}{{ $_ := set $generated $field $value }}{{ end }}
  {{- end }}
  {{- $realms = append $realms (mustMergeOverwrite $generated (deepCopy (default dict $realm.config))) }}
{{- end }}
{{- $fullname := include "iqgate.fullname" . }}
{{- $tls := include "iqgate.tlsFiles" . | fromYaml }}
{{- $_ := set $tls "allowed_client_names" (list (printf "%s-alg" $fullname) (printf "%s-iqctl" $fullname)) }}
{{- $config := dict
    "instance_id" "${POD_NAME}"
    "node_name" "${NODE_NAME}"
    "iq" (dict "listen_address" (include "iqgate.hostPort" (list . "${POD_IP}" .Values.agw.ports.iq)) "tls" $tls "reflection" "off")
    "http" (dict "listen_address" (include "iqgate.hostPort" (list . "${POD_IP}" .Values.agw.ports.http)))
    "realms" $realms
    "context_limit" (int .Values.agw.contextLimit)
    "tls" (dict "allow_sha1_fingerprints" .Values.policy.allowSha1Fingerprints)
    "drain_time" .Values.agw.drainTime
    "drain_close_time" .Values.agw.drainCloseTime }}
{{- mustMergeOverwrite $config (deepCopy (default dict .Values.agw.config)) | toYaml }}
{{- end }}

{{- define "iqgate.algConfig" -}}
{{- include "iqgate.checkFreeForm" (list . "alg" (list
    (list "api.listen_address" "the port is 7050")
    (list "http.listen_address" "the port is 9050")
    (list "gateways.targets" "set alg.gatewayTargets"))) }}
{{- $fullname := include "iqgate.fullname" . }}
{{- $any := ternary "[::]" "0.0.0.0" (has "IPv6" .Values.ipFamilies) }}
{{- $names := list (printf "%s-alg" $fullname) (printf "%s-iqctl" $fullname) }}
{{- if eq .Values.tls.mode "selfMade" }}{{ $names = append $names (printf "%s-client" $fullname) }}{{ end }}
{{- $server := include "iqgate.tlsFiles" . | fromYaml }}
{{- $_ := set $server "allowed_client_names" (concat $names .Values.alg.allowedClientNames) }}
{{- $client := include "iqgate.tlsFiles" . | fromYaml }}
{{- $_ := set $client "server_name" (printf "%s-agw" $fullname) }}
{{- $config := dict
    "api" (dict "listen_address" (printf "%s:7050" $any) "tls" $server "reflection" "off")
    "http" (dict "listen_address" (printf "%s:9050" $any))
    "gateways" (dict "targets" (include "iqgate.gatewayTargets" . | fromJsonArray) "tls" $client)
    "policy" (dict
        "core_connect" .Values.policy.coreConnect
        "early_syn" .Values.policy.earlySyn
        "allow_sha1_fingerprints" .Values.policy.allowSha1Fingerprints) }}
{{- mustMergeOverwrite $config (deepCopy (default dict .Values.alg.config)) | toYaml }}
{{- end }}

{{/* The environment by which iqctl finds everything with a certificate in /etc/iqgate/tls. */}}
{{- define "iqgate.iqctlEnv" -}}
- {name: IQCTL_ALG, value: {{ printf "%s-alg:7050" (include "iqgate.fullname" .) | quote }}}
- name: IQCTL_AGW
  {{- if .Values.alg.gatewayTargets }}
  value: {{ join "," .Values.alg.gatewayTargets | quote }}
  {{- else }}
  value: {{ printf "%s-agw:%v" (include "iqgate.fullname" .) .Values.agw.ports.iq | quote }}
  {{- end }}
- {name: IQCTL_TLS_SERVER_NAME, value: {{ printf "alg=%[1]s-alg,agw=%[1]s-agw" (include "iqgate.fullname" .) | quote }}}
- {name: IQCTL_TLS_CA, value: /etc/iqgate/tls/ca.crt}
- {name: IQCTL_TLS_CERT, value: /etc/iqgate/tls/tls.crt}
- {name: IQCTL_TLS_KEY, value: /etc/iqgate/tls/tls.key}
{{- end }}
