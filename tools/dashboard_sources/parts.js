// What the dashboards are put together from: variables, links, kinds of panels, and pieces of PromQL.
//
// Widths are in Grafana's grid of 24 columns. Panels follow each other from left to right; the SDK places them.
'use strict';

const {
  BarGaugeDisplayMode,
  BarGaugeNamePlacement,
  BarGaugeValueMode,
  BigValueColorMode,
  BigValueGraphMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  LineInterpolation,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizOrientation,
  VizTooltipOptionsBuilder,
} = require('@grafana/grafana-foundation-sdk/common');
const {
  ConstantVariableBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  FieldColorBuilder,
  FieldColorModeId,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
  VariableSort,
} = require('@grafana/grafana-foundation-sdk/dashboard');
const { DataqueryBuilder, PromQueryFormat } = require('@grafana/grafana-foundation-sdk/prometheus');
const bargauge = require('@grafana/grafana-foundation-sdk/bargauge');
const stat = require('@grafana/grafana-foundation-sdk/stat');
const table = require('@grafana/grafana-foundation-sdk/table');
const timeseries = require('@grafana/grafana-foundation-sdk/timeseries');

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

// ---- PromQL ----

// The label matchers of each dashboard. Replicas of the IMS-ALG and IMS-AGWs are pods.
const NAMESPACE = 'namespace=~"$namespace"';
const POD = `${NAMESPACE}, pod=~"$pod"`;
const REALM = 'realm=~"$realm"';

// `metric{matchers}`; empty matchers do not count.
const series = (metric, ...matchers) => `${metric}{${matchers.filter(Boolean).join(', ')}}`;

// How often a second a counter counts.
const rate = (selector) => `rate(${selector}[$__rate_interval])`;

// How much a counter has counted in the time that is shown. A series that begins with its first event has no sample
// before it, so increase() would not see that event: where a series is younger than the time shown, its value counts.
const counted = (selector) => `((${selector} unless ${selector} offset $__range) or increase(${selector}[$__range]))`;

// `expression`, or where that has no series at all one that is 0 and has `label` with the given value. Only for counters that
// begin with their first event: no series means that it has not happened, if `witness` shows that somebody has been asked.
const orNone = (expression, witness, label, value = 'none') =>
  `(${expression}) or on () label_replace(0 * count(${witness}), "${label}", "${value}", "", "")`;

// When each process of a component began, in milliseconds, with its version as a label.
const startAndVersion = (component) =>
  `1000 * max by (namespace, pod, version) (${series('process_start_time_seconds', POD)} ` +
  `* on (namespace, pod) group_left (version) ${series('iqgate_build_info', POD, `component="${component}"`)})`;

// `part` of `whole`; nothing where there is no whole.
const ratio = (part, whole) => `(${part}) / ((${whole}) > 0)`;

// As orNone(), without a label.
const orZero = (expression, witness) => `(${expression}) or on () (0 * count(${witness}))`;

// ---- Variables and links ----

const queryVariable = (name, label, query) =>
  new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATASOURCE)
    .query({ query, refId: `${name}-variable` })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    // Not the list of all values: this also fits series without the label, where no operator has set one.
    .allValue('.*')
    .current({ selected: true, text: 'All', value: '$__all' });

const namespaceVariable = () => queryVariable('namespace', 'Namespace', 'label_values(iqgate_build_info, namespace)');
const podVariable = (metric) => queryVariable('pod', 'Pod', `label_values(${series(metric, NAMESPACE)}, pod)`);
const realmVariable = () =>
  queryVariable('realm', 'Realm', `label_values(${series('iqgate_agw_realm_ports', NAMESPACE)}, realm)`);

// To the runbook of an alert. Where the runbooks are published is the value of the variable `runbooks`.
const runbook = (alert) =>
  new DashboardLinkBuilder(`Runbook ${alert}`).type(DashboardLinkType.Link).url(`\${runbooks:raw}/${alert}.md`).targetBlank(true);

// A dashboard `uid`, with the variables that all have and `variables`. Its panels are added with add().
const dashboard = (uid, title, description, variables) => {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['iqgate'])
    .editable()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-1h', to: 'now' })
    .timezone('browser')
    .refresh('30s')
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(new ConstantVariableBuilder('runbooks').label('Address of the runbooks').value('docs/runbooks'))
    .link(
      new DashboardLinkBuilder('iqgate').type(DashboardLinkType.Dashboards).tags(['iqgate']).includeVars(true).keepTime(true),
    );
  for (const variable of variables) builder.withVariable(variable);
  return builder;
};

// ---- Panels ----

// A query: PromQL, its legend, and whether only its value at the end of the time shown is asked for.
const query = (expr, legend, instant = false) => ({ expr, legend, instant });

const targets = (queries) =>
  queries.map(({ expr, legend, instant }, index) => {
    const target = new DataqueryBuilder()
      .datasource(DATASOURCE)
      .expr(expr)
      .legendFormat(legend)
      .refId(String.fromCharCode('A'.charCodeAt(0) + index));
    return instant ? target.instant() : target.range();
  });

// Colours from values upwards: steps([['green', null], ['red', 10]]).
const steps = (list) =>
  new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(list.map(([color, value]) => ({ color, value })));

const color = (mode) => new FieldColorBuilder().mode(mode);

// What all kinds of panels have. `options`: title, description, queries, width, height, unit, and as they are needed
// decimals, min, max, thresholds (see steps()), runbooks (names of alerts), noValue.
const common = (builder, options) => {
  builder
    .title(options.title)
    .description(options.description)
    .datasource(DATASOURCE)
    .span(options.width)
    .height(options.height)
    .unit(options.unit)
    .targets(targets(options.queries));
  if (options.decimals !== undefined) builder.decimals(options.decimals);
  if (options.min !== undefined) builder.min(options.min);
  if (options.max !== undefined) builder.max(options.max);
  if (options.noValue !== undefined) builder.noValue(options.noValue);
  if (options.runbooks) builder.links(options.runbooks.map(runbook));
  builder.thresholds(steps(options.thresholds || [['green', null]]));
  return builder;
};

// One number, with its history behind it.
const number = (options) =>
  common(new stat.PanelBuilder(), { height: 4, ...options })
    .graphMode(options.history === false ? BigValueGraphMode.None : BigValueGraphMode.Area)
    .colorMode(options.thresholds ? BigValueColorMode.Background : BigValueColorMode.Value)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .colorScheme(color(FieldColorModeId.Thresholds));

// Lines over time. `stacked`: areas on top of each other. `stepped`: for states, which have nothing in between.
// `dashed`: a regular expression for the legends of limits.
const lines = (options) => {
  const builder = common(new timeseries.PanelBuilder(), { height: 8, min: 0, ...options })
    .drawStyle(GraphDrawStyle.Line)
    .lineInterpolation(options.stepped ? LineInterpolation.StepAfter : LineInterpolation.Linear)
    .lineWidth(1)
    .fillOpacity(options.stacked ? 40 : 10)
    .showPoints(VisibilityMode.Never)
    .colorScheme(color(FieldColorModeId.PaletteClassic))
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([]),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending));
  if (options.stacked) builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'));
  if (options.dashed) {
    builder.overrideByRegexp(options.dashed, [
      { id: 'custom.lineStyle', value: { fill: 'dash', dash: [8, 8] } },
      { id: 'custom.fillOpacity', value: 0 },
      { id: 'custom.stacking', value: { mode: 'none', group: 'A' } },
    ]);
  }
  for (const [name, fixedColor] of Object.entries(options.colors || {})) {
    builder.overrideByName(name, [{ id: 'color', value: { mode: 'fixed', fixedColor } }]);
  }
  return builder;
};

// Bars, the longest first.
const bars = (options) =>
  common(new bargauge.PanelBuilder(), { height: 8, min: 0, ...options })
    .orientation(VizOrientation.Horizontal)
    .displayMode(BarGaugeDisplayMode.Gradient)
    .valueMode(BarGaugeValueMode.Color)
    .namePlacement(BarGaugeNamePlacement.Left)
    .showUnfilled(true)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .colorScheme(color(FieldColorModeId.Thresholds));

// A row for each series, with its labels `columns` (label: heading) and its value under the heading `value`.
const rows = (options) => {
  const builder = common(new table.PanelBuilder(), { height: 8, ...options });
  const names = Object.keys(options.columns);
  builder.withTransformation({
    id: 'organize',
    options: {
      excludeByName: { Time: true },
      indexByName: Object.fromEntries([...names, 'Value'].map((name, index) => [name, index])),
      renameByName: { ...options.columns, Value: options.value },
    },
  });
  builder.targets(targets(options.queries).map((target) => target.format(PromQueryFormat.Table)));
  return builder;
};

// Adds panels and rows (strings) in their order, and gives panels numbers that stay as long as the order does.
const add = (builder, panels) => {
  let id = 0;
  for (const panel of panels) {
    id += 1;
    if (typeof panel === 'string') {
      builder.withRow(new RowBuilder(panel).id(id));
    } else {
      builder.withPanel(panel.id(id));
    }
  }
  const dashboard = builder.build();
  // The SDK puts links into a menu, as the newest Grafana has it; above the panels they are in every version.
  for (const link of [...dashboard.links, ...dashboard.panels.flatMap((panel) => panel.links || [])]) delete link.placement;
  return dashboard;
};

module.exports = {
  NAMESPACE,
  POD,
  REALM,
  add,
  bars,
  counted,
  dashboard,
  lines,
  namespaceVariable,
  number,
  orNone,
  orZero,
  podVariable,
  query,
  rate,
  ratio,
  realmVariable,
  rows,
  series,
  startAndVersion,
};
