"""The dashboard: what was sold in the last days, and how well recognition did."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from checkout.dashboard.doubtful_products import doubtful_products
from checkout.dashboard.formats import period_name, slot_names
from checkout.dashboard.recognition_metrics import recognition_metrics, source_chart, source_shares
from checkout.dashboard.sales_metrics import sales_chart, sales_metrics
from checkout.dashboard.statistics import scan_counts_get
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
    sales = sales_get(period=period, currency=settings.CURRENCY)
    scans = scan_counts_get(period=period)
    sales_name, chart = sales_chart(sales, period)
    of_sales, of_recognition = sales_metrics(sales, period), recognition_metrics(period, scans)
    table = (*of_sales, *of_recognition)
    context = {
        **admin.site.each_context(request),
        "title": _("Dashboard"),
        "period": period,
        "switch": [(days, period_name(days), days == period.days) for days in PERIODS],
        "zone": settings.TIME_ZONE,
        "currency": settings.CURRENCY,
        "sales": sales,
        "sales_metrics": of_sales,
        "sales_name": sales_name,
        "sales_chart": chart,
        "best_sellers": best_sellers(period=period, currency=settings.CURRENCY),
        "shares": source_shares(scans),
        "shares_chart": source_chart(scans, period),
        "recognition_metrics": of_recognition,
        "doubtful": doubtful_products(period=period),
        "table_names": [metric.name for metric in table],
        "table_rows": list(
            zip(slot_names(period), zip(*(metric.values for metric in table), strict=True), strict=True)
        ),
    }
    return TemplateResponse(request, "admin/checkout/dashboard.html", context)
