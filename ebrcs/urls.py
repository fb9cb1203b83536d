"""Every address of the site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from catalog.media import media_file
from checkout.cart.selectors import shopper_has_product
from checkout.dashboard.page import dashboard_page
from ebrcs.admin_site.login import admin_login
from ebrcs.api.docs import ApiDocsView, ApiSchemaView
from ebrcs.monitoring import health
from ebrcs.monitoring.metrics_page import metrics_page

handler400 = "ebrcs.error_views.bad_request"
handler403 = "ebrcs.error_views.permission_denied"
handler404 = "ebrcs.error_views.page_not_found"
handler500 = "ebrcs.error_views.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("accounts.page_urls")),
    path("", include("checkout.web.page_urls")),
    path("", include("checkout.lanes.page_urls")),
    path("", include("orders.page_urls")),
    path("admin/login/", admin_login),
    path("admin/dashboard/", admin.site.admin_view(dashboard_page), name="dashboard"),
    path("admin/", admin.site.urls),
    path("api/", include("accounts.api_urls")),
    path("api/", include("recognition.api_urls")),
    path("api/", include("checkout.web.api_urls")),
    path("api/", include("checkout.lanes.api_urls")),
    path("api/", include("orders.api_urls")),
    path("api/schema/", ApiSchemaView.as_view(), name="api-schema"),
    path("api/docs/", ApiDocsView.as_view(), name="api-docs"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics_page, name="metrics"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("media/<path:path>", media_file, {"has_product": shopper_has_product}, name="media"),
]
