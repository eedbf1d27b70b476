"""The few kinds of panel the dashboards are made of, over Grafana's typed builders."""

from collections.abc import Iterable

from grafana_foundation_sdk.builders import (
    bargauge,
    dashboard,
    heatmap,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders.common import ReduceDataOptions, VizLegendOptions
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    Panel,
    VariableHide,
    VariableRefresh,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
HERE = '{instance=~"$instance"}'
Query = tuple[str, str]  # expression, legend
AnyPanel = Builder[Panel]


def lines(
    title: str, unit: str, *queries: Query, about: str = "", width: int = 12, stacked: bool = False
) -> AnyPanel:
    """Curves over time."""
    legend = (
        VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
    )
    panel = (
        timeseries.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .legend(legend)
        .fill_opacity(30 if stacked else 5)
        .height(8)
        .span(width)
    )
    for target in _targets(queries):
        panel = panel.with_target(target)
    return panel


def number(title: str, unit: str, query: str, about: str = "", width: int = 4) -> AnyPanel:
    """The latest value, large."""
    return (
        stat.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .unit(unit)
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .height(4)
        .span(width)
        .with_target(_query(query, "", "A"))
    )


def heat(title: str, unit: str, query: str, about: str = "", width: int = 12) -> AnyPanel:
    """Where the values of a histogram lie over time; a cell leads to its exemplars."""
    return (
        heatmap.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .unit(unit)
        .height(8)
        .span(width)
        .with_target(
            _query(query, "{{le}}", "A").format(PromQueryFormat.HEATMAP).exemplar(exemplar=True)
        )
    )


def bars(title: str, unit: str, query: str, legend: str, about: str = "") -> AnyPanel:
    """The latest value of each."""
    return (
        bargauge.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .height(8)
        .span(12)
        .with_target(_query(query, legend, "A").instant())
    )


def facts(title: str, query: str, about: str = "", width: int = 12) -> AnyPanel:
    """A table of labels."""
    return (
        table.Panel()
        .title(title)
        .description(about)
        .datasource(SOURCE)
        .height(6)
        .span(width)
        .with_target(_query(query, "", "A").instant().format(PromQueryFormat.TABLE))
    )


def a_dashboard(name: str, title: str, about: str) -> dashboard.Dashboard:
    """An empty dashboard with the variables that all of them have."""
    instance = (
        dashboard.QueryVariable("instance")
        .datasource(SOURCE)
        .query("label_values(moderator_ready, instance)")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .include_all(include_all=True)
        .multi(multi=True)
    )
    return (
        dashboard.Dashboard(title)
        .uid(f"moderator-{name}")
        .description(about)
        .tags(["moderator"])
        .refresh("10s")
        .time("now-1h", "now")
        .readonly()
        .with_variable(
            dashboard.DatasourceVariable("datasource")
            .type("prometheus")
            .hide(VariableHide.DONT_HIDE)
        )
        .with_variable(instance)
        .link(
            dashboard.DashboardLink("moderator")
            .tags(["moderator"])
            .as_dropdown(as_dropdown=True)
            .keep_time(keep_time=True)
        )
    )


def _targets(queries: Iterable[Query]) -> list[prometheus.Dataquery]:
    return [
        _query(expr, legend, chr(ord("A") + place)) for place, (expr, legend) in enumerate(queries)
    ]


def _query(expr: str, legend: str, ref: str) -> prometheus.Dataquery:
    query = prometheus.Dataquery().expr(expr).ref_id(ref).datasource(SOURCE)
    return query.legend_format(legend) if legend else query
