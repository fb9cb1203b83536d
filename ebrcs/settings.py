"""Settings, read from the environment; `.env.example` lists every variable with its meaning."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import django_stubs_ext
from csp.constants import NONE, SELF

from ebrcs.backends import cache_settings, channel_layer_settings, database_settings
from ebrcs.env import Environment
from ebrcs.permissions_policy import PERMISSIONS_POLICY  # noqa: F401
from ebrcs.secret_key import secret_key_read

# Lets `ModelAdmin[Product]` and its like, which the type checker wants, be written as they are.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()

DATA_DIR = env.folder("EBRCS_DATA_DIR", BASE_DIR / "var")
MODELS_DIR = env.folder("EBRCS_MODELS_DIR", DATA_DIR / "models")
DEBUG = env.flag("EBRCS_DEBUG", default=False)
SECRET_KEY = env.text("EBRCS_SECRET_KEY") or secret_key_read(DATA_DIR)

ALLOWED_HOSTS = env.words("EBRCS_ALLOWED_HOSTS", ("localhost", "127.0.0.1", "[::1]"))
ALLOWED_ORIGINS = env.origins("EBRCS_ALLOWED_ORIGINS")
CSRF_TRUSTED_ORIGINS = ALLOWED_ORIGINS
BEHIND_HTTPS = env.flag("EBRCS_BEHIND_HTTPS", default=False)
if BEHIND_HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_HTTPS
METRICS_TOKEN = env.token("EBRCS_METRICS_TOKEN")

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "rest_framework_simplejwt",
    "rest_framework_simplejwt.token_blacklist",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "ebrcs",
    "accounts",
    "catalog",
    "orders",
    "recognition",
    "checkout",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "ebrcs.server.no_store.NoStoreMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "ebrcs.requests.query_check.QueryCheckMiddleware",
]
ROOT_URLCONF = "ebrcs.urls"
ASGI_APPLICATION = "ebrcs.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.page_store.shop",
            ]
        },
    }
]


DATABASES = {
    "default": database_settings(
        env.text("DATABASE_URL", f"sqlite:///{quote(str(DATA_DIR / 'ebrcs.sqlite3'))}"),
        DATA_DIR / "test.sqlite3",
    )
}
# A process has at most this many connections to PostgreSQL: 16 for requests, 2 for monitoring, 8 for sockets
# (`checkout.live.threads`), and 8 for background threads and the probe of `/readyz`.
DATABASE_POOL = env.integer("EBRCS_DATABASE_POOL", 34, minimum=20, maximum=1_000)
MONITORING_REQUESTS_AT_ONCE = 2
REQUESTS_AT_ONCE = DATABASE_POOL - MONITORING_REQUESTS_AT_ONCE - 8 - 8
# Whether a server keeps and shares its connections; a command never does.
DATABASE_POOLED = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.pattern(
    "REDIS_URL", "", "(rediss?|unix)://.+", "an address such as redis://host:6379/0 is needed"
)
CHANNEL_LAYERS = {"default": channel_layer_settings(REDIS_URL)}
CACHES = {"default": cache_settings(REDIS_URL, DATA_DIR / "cache")}

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.BCryptSHA256PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.password_rules.DistinctCharactersValidator"},
]
SESSION_ENGINE = "ebrcs.requests.session_store"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"

LANGUAGE_CODE = env.choice("EBRCS_LANGUAGE", "en", ("en", "ko"))
LANGUAGES = [("en", "English"), ("ko", "한국어")]
LOCALE_PATHS = [BASE_DIR / "templates" / "locale"]
FORMAT_MODULE_PATH = ["ebrcs.formats"]
TIME_ZONE = env.time_zone("EBRCS_TIME_ZONE", "UTC")
USE_TZ = True

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env.folder("EBRCS_STATIC_ROOT", DATA_DIR / "static")
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
WHITENOISE_USE_FINDERS = True
MEDIA_URL = "media/"
MEDIA_ROOT = DATA_DIR / "media"
FILE_UPLOAD_PERMISSIONS = 0o640

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework_simplejwt.authentication.JWTAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["ebrcs.api.parsers.BoundedJSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["ebrcs.api.throttles.ScopedThrottle"],
    "DEFAULT_PAGINATION_CLASS": "ebrcs.api.pagination.PageNumberPagination",
    "PAGE_SIZE": 20,
    "EXCEPTION_HANDLER": "ebrcs.api.exceptions.problem_response",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_RATES": {
        "login": env.rate("EBRCS_RATE_LOGIN", "10/min"),
        # From a device on which the account has been used before.
        "known_device": "5/min",
        # At one lane, and for one staff number at any lane.
        "pin": env.rate("EBRCS_RATE_PIN", "5/min"),
        "signup": env.rate("EBRCS_RATE_SIGNUP", "10/hour"),
        "refresh": env.rate("EBRCS_RATE_REFRESH", "60/min"),
        "session": env.rate("EBRCS_RATE_SESSION", "60/min"),
        # Opening links of receipts, by address.
        "receipt": env.rate("EBRCS_RATE_RECEIPT", "20/min"),
        "ticket": env.rate("EBRCS_RATE_TICKET", "120/min"),
        "pair": env.rate("EBRCS_RATE_PAIR", "10/min"),
        "upload": env.rate("EBRCS_RATE_UPLOAD", "120/min"),
        "recognize": env.rate("EBRCS_RATE_RECOGNIZE", "120/min"),
    },
    "NUM_PROXIES": env.integer("EBRCS_PROXIES", 0, minimum=0, maximum=10),
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=30),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    # A new password ends every token made with the old one.
    "CHECK_REVOKE_TOKEN": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "EBRCS",
    "DESCRIPTION": "Self-checkout that recognizes products by sight.",
    "VERSION": "0.6.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,  # what is sent has rules that what is answered has not
    "ENUM_NAME_OVERRIDES": {"ResolveActionEnum": ["unresolved.resolve"]},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "ebrcs.api.docs.problems_describe",
        "ebrcs.api.docs.blank_texts_describe",
    ],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# What the first store is called, what it sells in, and how recognition decides.
STORE_NAME = env.pattern("EBRCS_STORE_NAME", "EBRCS", ".{1,100}", "up to 100 characters are allowed")
CURRENCY = env.pattern("EBRCS_CURRENCY", "EUR", "[A-Za-z]{3}", "three letters such as EUR are needed").upper()
ENCODER = env.choice("EBRCS_ENCODER", "auto", ("auto", "compact", "dinov3-convnext", "dinov3-vitl"))
ENCODER_DTYPE = env.choice("EBRCS_ENCODER_DTYPE", "auto", ("auto", "float32", "bfloat16"))
VISUAL_WEIGHT = env.number("EBRCS_VISUAL_WEIGHT", 0.7, minimum=0.0, maximum=1.0)
FALSE_ACCEPT_RATE = env.number("EBRCS_FALSE_ACCEPT_RATE", 0.01, minimum=0.0001, maximum=0.5)
READ_BARCODES = env.flag("EBRCS_READ_BARCODES", default=True)
SHOPPER_DISMISSES = env.flag("EBRCS_SHOPPER_DISMISSES", default=True)
# By which a console and a lane find a way for the live picture, beyond the networks they share.
ICE_SERVERS = env.ice_servers("EBRCS_ICE_SERVERS")
# How long an alert waits for a member of staff before it stands out from the others.
ALERT_ESCALATES_AFTER_S = env.integer("EBRCS_ALERT_ESCALATES_AFTER_S", 60, minimum=5, maximum=3_600)
SESSION_IDLE_MINUTES = env.integer("EBRCS_SESSION_IDLE_MINUTES", 60, minimum=1, maximum=10_080)

# Whether a server begins to load encoder and index at once instead of at the first picture.
ENGINE_AT_START = True
# Whether a server ends abandoned visits and writes answer times down by itself.
HOUSEKEEPING = True

# Bounds on what comes in from outside.
IMAGE_MAX_BYTES = env.integer("EBRCS_IMAGE_MAX_BYTES", 20 * 2**20, minimum=2**10, maximum=2**30)
IMAGE_MAX_PIXELS = env.integer("EBRCS_IMAGE_MAX_PIXELS", 50_000_000, minimum=10_000, maximum=500_000_000)
# Of a PNG or WebP once decoded, which no decoder can reduce meanwhile: 16.7 megapixels at 8 bits a channel.
IMAGE_MAX_DECODED_BYTES = 2**26
IMAGE_MAX_COUNT = 20
FRAME_MAX_BYTES = 2**20
FRAME_MAX_PIXELS = 25_000_000
FRAME_MAX_DECODED_BYTES = 2**25
FRAME_MAX_PER_SECOND = env.integer("EBRCS_FRAME_MAX_PER_SECOND", 30, minimum=1, maximum=1_000)
# Open sockets in a process. An account may be a whole shop's, whose fifty lanes all log in as one member of
# staff, and an address that of a whole shop, with the telephones of its customers; a session is one lane.
SOCKETS_PER_ACCOUNT = env.integer("EBRCS_SOCKETS_PER_ACCOUNT", 64, minimum=1, maximum=10_000)
SOCKETS_PER_ADDRESS = env.integer("EBRCS_SOCKETS_PER_ADDRESS", 256, minimum=1, maximum=10_000)
SOCKETS_PER_SESSION = env.integer("EBRCS_SOCKETS_PER_SESSION", 16, minimum=1, maximum=10_000)
DATA_UPLOAD_MAX_MEMORY_SIZE = 2**20
# Reading JSON holds all threads of a process: 1 MiB of empty lists for 160 ms, this much for 20.
JSON_MAX_BYTES = 2**18
# Larger bodies, and larger files in them, are spooled to the temporary folder instead of memory.
FILE_UPLOAD_MAX_MEMORY_SIZE = 2**16
UPLOADS_MAX_BYTES = env.integer("EBRCS_UPLOADS_MAX_BYTES", 2**30, minimum=2**22, maximum=2**40)
DATA_UPLOAD_MAX_NUMBER_FILES = 100

# Read by compose.yaml or the test suite only; named here so that they are not taken for misspellings.
for name in (
    "EBRCS_HOST",
    "POSTGRES_PASSWORD",
    "REDIS_PASSWORD",
    "EBRCS_REQUIRE_SERVICES",
    "EBRCS_SHARED_DATA",
    "EBRCS_ARTIFACTS",
    "EBRCS_DAMAGE_TRIES",
    "EBRCS_KILL_TRIES",
):
    env.text(name)

LOG_LEVEL = env.pattern(
    "EBRCS_LOG_LEVEL",
    "INFO",
    "(?i:DEBUG|INFO|WARNING|ERROR|CRITICAL)",
    "allowed are DEBUG, INFO, WARNING, ERROR, CRITICAL",
).upper()
LOG_FORMAT = env.choice("EBRCS_LOG_FORMAT", "text", ("text", "json"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"context": {"()": "ebrcs.log_context.LogContextFilter"}},
    "formatters": {
        "text": {"()": "ebrcs.log_context.TextFormatter"},
        "json": {"()": "ebrcs.log_context.JsonFormatter"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["context"]}
    },
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django": {},  # without its own handlers, the one of debug mode says everything a second time
        "django.channels.server": {"level": "WARNING"},
        "daphne.server": {"level": "WARNING"},  # speaks of HTTP/2 at every start as if something were missing
        "faiss.loader": {"level": "WARNING"},  # tells which build it tried at every start
        "torch": {"level": "WARNING"},  # tells about its caches at every end
    },
}
UNKNOWN_ENVIRONMENT_NAMES = env.unknown_names("EBRCS_")
