"""Where an account of the dbt platform is: the forms in which people write its access URL."""

import ipaddress
from urllib.parse import SplitResult, urlsplit

from kestra_dbt.errors import RequestError


def base_url(host: str) -> str:
    """Return the address below which the API is, without a slash at its end, as ``https://ab123.us1.dbt.com``.

    Args:
        host: a host or an address, with or without https://, a port, slashes at its end, or /api and what follows it.

    Raises:
        RequestError: it is none of these, or would have the token sent in the clear.
    """
    text = host.strip()
    parts = _split(text if "://" in text else f"https://{text}", host)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise RequestError(_sentence(host))
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise RequestError(f"`host` is {host}: the token would be readable on its way; write https://.")
    path = parts.path.strip("/")
    if path and path.split("/")[0] != "api":
        raise RequestError(_sentence(host))
    return f"{parts.scheme}://{parts.netloc}"


def _split(text: str, host: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port  # a port that is no number is told only now
    except ValueError as error:
        raise RequestError(_sentence(host)) from error
    return parts


def _sentence(host: str) -> str:
    return f"`host` is {host!r}: give the access URL of the account, as `ab123.us1.dbt.com` or `cloud.getdbt.com`."


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
