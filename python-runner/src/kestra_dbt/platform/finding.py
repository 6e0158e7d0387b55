"""Jobs, projects and environments by the names that people give them."""

from collections.abc import Iterable

from kestra_dbt.errors import RequestError
from kestra_dbt.platform.api.calls import Api
from kestra_dbt.platform.api.models import Job, Named
from kestra_dbt.protocol import JobReference

_NAMED_AT_MOST = 10


def job_id_of(api: Api, reference: JobReference) -> int:
    """Return the id of the one job that ``reference`` leads to.

    Raises:
        RequestError: it leads to none, or to several.
    """
    if reference.id is not None:
        return reference.id
    if not reference.name:
        raise RequestError("No job is named: set its id, or its name.")
    found = list(jobs(api, reference.name, reference.project, reference.environment))
    exact = [job for job in found if _same(job.name, reference.name)]
    if len(exact) == 1:
        return exact[0].id
    where = _where(reference)
    if exact:
        raise RequestError(
            f"{len(exact)} jobs are named `{reference.name}`{where}: {_listed(exact)}; say which by the id, or by "
            "project and environment."
        )
    alike = f" There are {_listed(found)}." if found else ""
    raise RequestError(f"No job that the token may see is named `{reference.name}`{where}.{alike}")


def jobs(api: Api, name: str | None, project: str | None, environment: str | None) -> Iterable[Job]:
    """Yield jobs whose name contains ``name``, in a project and an environment by name or id."""
    project_id = project_id_of(api, project)
    environment_id = environment_id_of(api, environment, project_id)
    filters = {"project_id": project_id, "environment_id": environment_id, "name__icontains": name}
    for job in api.jobs(order_by="id", **filters):
        in_project = project_id in (None, job.project_id)
        in_environment = environment_id in (None, job.environment_id)
        if in_project and in_environment and (name or "").lower() in (job.name or "").lower():
            yield job


def project_id_of(api: Api, project: str | None) -> int | None:
    """Return the id of a project by its name or id; None if none is named."""
    if project is None or project.isdecimal():
        return int(project) if project else None
    return _one(api.projects(project), project, "project")


def environment_id_of(api: Api, environment: str | None, project_id: int | None) -> int | None:
    """Return the id of an environment by its name or id; None if none is named."""
    if environment is None or environment.isdecimal():
        return int(environment) if environment else None
    projects = [project_id] if project_id is not None else [one.id for one in api.projects() if one.id is not None]
    found = (one for project in projects for one in api.environments(project))
    return _one(found, environment, "environment")


def _one(found: Iterable[Named], name: str, what: str) -> int:
    known = [one for one in found if one.id is not None]
    exact = [one for one in known if _same(one.name, name)]
    if len(exact) == 1 and exact[0].id is not None:
        return exact[0].id
    if exact:
        raise RequestError(f"{len(exact)} {what}s are named `{name}`: say which by the id: {_listed(exact)}.")
    there = f" There are {_listed(known)}." if known else ""
    raise RequestError(f"No {what} that the token may see is named `{name}`.{there}")


def _same(one: str | None, other: str) -> bool:
    return (one or "").strip() == other.strip()


def _where(reference: JobReference) -> str:
    project = f" in project {reference.project}" if reference.project else ""
    return f"{project} in environment {reference.environment}" if reference.environment else project


def _listed(found: Iterable[Job | Named]) -> str:
    names = [f"{one.name} ({one.id})" for one in found]
    more = [f"{len(names) - _NAMED_AT_MOST} more"] if len(names) > _NAMED_AT_MOST else []
    return ", ".join([*names[:_NAMED_AT_MOST], *more])
