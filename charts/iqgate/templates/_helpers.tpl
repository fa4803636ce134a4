{{/* Names. Everything is called FULLNAME-SOMETHING; 40 characters leave room for what Kubernetes adds to them. */}}

{{- define "iqgate.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "iqgate.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Labels of an object of one component: list $ "agw". */}}
{{- define "iqgate.labels" -}}
{{- $ := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $.Chart.Name $.Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ $.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $.Release.Service }}
app.kubernetes.io/part-of: iqgate
{{ include "iqgate.selectorLabels" . }}
{{- with $.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* What selects a component's pods, and never changes: list $ "agw". */}}
{{- define "iqgate.selectorLabels" -}}
{{- $ := index . 0 -}}
app.kubernetes.io/name: {{ include "iqgate.name" $ }}
app.kubernetes.io/instance: {{ $.Release.Name }}
{{- with index . 1 }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{/* An image: list $ .Values.agw.image. */}}
{{- define "iqgate.image" -}}
{{- $ := index . 0 }}
{{- $image := index . 1 }}
{{- with $.Values.image.registry }}{{ . }}/{{ end }}{{ $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ default $.Chart.AppVersion $.Values.image.tag }}{{ end }}
{{- end }}

{{- define "iqgate.imagePullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "iqgate.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "iqgate.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* The secret of one component's certificate: list $ "agw". */}}
{{- define "iqgate.tlsSecretName" -}}
{{- $ := index . 0 }}
{{- $component := index . 1 }}
{{- if eq $.Values.tls.mode "existingSecrets" }}
{{- get $.Values.tls.existingSecrets $component }}
{{- else }}
{{- printf "%s-%s-tls" (include "iqgate.fullname" $) $component }}
{{- end }}
{{- end }}

{{/* The DNS names of one component's certificate, as a JSON list: list $ "agw". The first one is that which is checked. */}}
{{- define "iqgate.certificateNames" -}}
{{- $ := index . 0 }}
{{- $name := printf "%s-%s" (include "iqgate.fullname" $) (index . 1) }}
{{- $names := list $name }}
{{- if has (index . 1) (list "agw" "alg") }}
{{- $service := printf "%s.%s.svc" $name $.Release.Namespace }}
{{- $names = concat $names (list (printf "%s.%s" $name $.Release.Namespace) $service (printf "%s.%s" $service $.Values.clusterDomain)) }}
{{- end }}
{{- if eq (index . 1) "alg" }}
{{- $names = append $names "localhost" }}
{{- end }}
{{- toJson $names }}
{{- end }}

{{/* An address of the pod and a port, as a listen address: list $ "${POD_IP}" 7060. */}}
{{- define "iqgate.hostPort" -}}
{{- $ := index . 0 }}
{{- if eq (first $.Values.ipFamilies) "IPv6" }}[{{ index . 1 }}]{{ else }}{{ index . 1 }}{{ end }}:{{ index . 2 }}
{{- end }}

{{- define "iqgate.gatewayTargets" -}}
{{- if .Values.alg.gatewayTargets }}
{{- toJson .Values.alg.gatewayTargets }}
{{- else }}
{{- list (printf "%s-agw.%s.svc.%s:%v" (include "iqgate.fullname" .) .Release.Namespace .Values.clusterDomain .Values.agw.ports.iq) | toJson }}
{{- end }}
{{- end }}

{{/* A time of agw in seconds: list $ NAME LIMIT, with the limit in hours. */}}
{{- define "iqgate.agwSeconds" -}}
{{- $time := get (index . 0).Values.agw (index . 1) }}
{{- $number := regexFind "^[0-9]+" $time | int64 }}
{{- $seconds := mul $number (get (dict "s" 1 "min" 60 "h" 3600) (regexFind "[a-z]+$" $time)) }}
{{- if gt $seconds (mul 3600 (index . 2)) }}
{{- fail (printf "agw.%s: %s is more than %vh" (index . 1) $time (index . 2)) }}
{{- end }}
{{- $seconds }}
{{- end }}

{{/*
What Kubernetes waits for an IMS-AGW to end: its drain, the time in which it closes what is left, and the 20 s that it has afterwards,
with a margin.
*/}}
{{- define "iqgate.agwGraceSeconds" -}}
{{- add (include "iqgate.agwSeconds" (list . "drainTime" 24) | int64) (include "iqgate.agwSeconds" (list . "drainCloseTime" 1) | int64) 30 }}
{{- end }}

{{/* The mutual TLS of one end, with its files. */}}
{{- define "iqgate.tlsFiles" -}}
certificate_file: /etc/iqgate/tls/tls.crt
key_file: /etc/iqgate/tls/tls.key
ca_file: /etc/iqgate/tls/ca.crt
{{- end }}
