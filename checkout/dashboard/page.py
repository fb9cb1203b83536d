"""The shop keeper's first page: what was sold, and how well the till saw it."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from checkout.dashboard import metrics, statistics
from orders.periods import Period
from orders.statistics import best_sellers, sales_get

PERIODS = (1, 7, 30)
PERIOD_DEFAULT = 7


@require_safe
def dashboard_page(request: HttpRequest) -> HttpResponse:
    """Show the last days; `?days=` takes 1, 7 or 30."""
    asked = request.GET.get("days", str(PERIOD_DEFAULT))
    if asked not in map(str, PERIODS):
        raise BadRequest("days: allowed are 1, 7 and 30")
    period = Period.last(int(asked))
    names = metrics.slot_names(period)
    sales = sales_get(period=period, currency=settings.CURRENCY)
    scanning = statistics.scanning_get(period=period)
    sales_name, sales_chart = metrics.sales_chart(sales, period)
    sales_shown = metrics.sales_figures(sales, period)
    recognition = metrics.recognition_figures(period, scanning)
    context = {
        **admin.site.each_context(request),
        "title": _("Dashboard"),
        "period": period,
        "switch": [(days, metrics.period_name(days), days == period.days) for days in PERIODS],
        "zone": settings.TIME_ZONE,
        "currency": settings.CURRENCY,
        "sales": sales,
        "sales_figures": sales_shown,
        "sales_name": sales_name,
        "sales_chart": sales_chart,
        "best_sellers": best_sellers(period=period, currency=settings.CURRENCY),
        "shares": metrics.source_shares(scanning),
        "shares_chart": metrics.source_chart(scanning, period),
        "recognition_figures": recognition,
        "doubtful": statistics.doubtful_products(period=period),
        "table_names": [figure.name for figure in (*sales_shown, *recognition)],
        "table_rows": list(
            zip(
                names,
                zip(*(figure.values for figure in (*sales_shown, *recognition)), strict=True),
                strict=True,
            )
        ),
    }
    return TemplateResponse(request, "admin/checkout/dashboard.html", context)
