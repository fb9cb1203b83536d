"""The API's description of itself, and the page on which it can be tried."""

from __future__ import annotations

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny


class ApiSchemaView(SpectacularAPIView):
    """OpenAPI 3, in YAML or JSON as asked for."""

    permission_classes = [AllowAny]


# Swagger UI writes style attributes; its scripts come from files, the start-up script included.
@method_decorator(csp_update({"style-src": [SELF, UNSAFE_INLINE]}), name="dispatch")
class ApiDocsView(SpectacularSwaggerSplitView):
    """Swagger UI, served from this host alone."""

    permission_classes = [AllowAny]
    url_name = "api-schema"
