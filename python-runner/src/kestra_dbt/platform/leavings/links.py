"""Pages of the platform, for people."""

from urllib.parse import urljoin, urlsplit

from kestra_dbt.platform.api.models import Job, Run, Step


def run_page(base_url: str, account_id: int, run: Run) -> str:
    """Return the page of a run; the platform's own word for it, if it is an address."""
    if run.href and urlsplit(run.href).scheme in ("http", "https"):
        return run.href
    if run.href and run.href.startswith("/") and not run.href.startswith("//"):
        return urljoin(f"{base_url}/", run.href)
    return f"{base_url}/deploy/{account_id}/projects/{run.project_id}/runs/{run.id}/"


def origin_of(page: str) -> str:
    """Return the host of a page: the one of the API need not be the one of the pages."""
    parts = urlsplit(page)
    return f"{parts.scheme}://{parts.netloc}"


def step_page(page: str, step: Step) -> str:
    """Return the page of a step, which is that of its run."""
    return f"{page}#step-{step.index}"


def job_page(base_url: str, account_id: int, project_id: int | None, job_id: int | None) -> str:
    """Return the page of a job."""
    return f"{base_url}/deploy/{account_id}/projects/{project_id}/jobs/{job_id}"


def docs_page(base_url: str, account_id: int, run: Run) -> str:
    """Return the documentation that a run wrote."""
    return f"{base_url}/accounts/{account_id}/runs/{run.id}/docs/"


def page_of(base_url: str, account_id: int, job: Job) -> str:
    """Return the page of a job that is known."""
    return job_page(base_url, account_id, job.project_id, job.id)
