"""What answers when no view did: problems below /api/, pages elsewhere."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views import defaults

from ebrcs.api.exceptions import UNAVAILABLE, problem_of
from ebrcs.api.problems import Problem, problem_answer
from ebrcs.storage import StorageFull


def api_asked(request: HttpRequest) -> bool:
    """Whether the caller is a program: it asked below /api/."""
    return request.path_info.startswith("/api/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request that Django itself refused."""
    if api_asked(request):
        return problem_answer(problem_of(exception))
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request for what is someone else's."""
    if api_asked(request):
        return problem_answer(Problem(403, "permission_denied"))
    return defaults.permission_denied(request, exception)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Answer a request for an address that does not exist."""
    if api_asked(request):
        return problem_answer(Problem(404, "not_found", "No such address or object."))
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """Answer an unexpected exception, which Django has logged; 503 or 507 where database or disk fail."""
    problem = problem_of(sys.exc_info()[1])
    if api_asked(request):
        return problem_answer(problem)
    page = defaults.server_error(request)
    if problem.status not in {UNAVAILABLE, StorageFull.status}:
        return page
    return HttpResponse(page.content, status=problem.status, headers=problem.headers)
