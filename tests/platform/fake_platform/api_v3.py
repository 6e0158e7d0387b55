"""Projects, environments and connections: Admin API v3."""

from __future__ import annotations

from fake_platform.fake import Fake
from fake_platform.lists import listed
from fake_platform.routing import ApiError, Reply, Request, Routes, enveloped

V3 = "/api/v3/accounts/{account_id}"
PROJECT_FILTERS = {"name__icontains", "pk", "pk__in", "pk__gt"}
ENVIRONMENT_FILTERS = PROJECT_FILTERS | {
    "type",
    "deployment_type",
    "deployment_type__in",
    "dbt_version",
    "dbt_version__in",
    "name",
    "credentials_id",
    "id__gt",
}
ORDERS = {"id", "name"}

routes = Routes()


@routes("GET", V3 + "/projects/")
def list_projects(fake: Fake, request: Request) -> Reply:
    """Answer with projects."""
    projects = [project.model_dump() for project in fake.store.projects]
    return listed(request, projects, filters=PROJECT_FILTERS, orders=ORDERS, state="1")


@routes("GET", V3 + "/projects/{project_id}/")
def get_project(fake: Fake, request: Request, project_id: int) -> Reply:  # noqa: ARG001
    """Answer with one project."""
    return enveloped(there(fake.store.projects.get(project_id)))


@routes("GET", V3 + "/projects/{project_id}/environments/")
def list_environments(fake: Fake, request: Request, project_id: int) -> Reply:
    """Answer with the environments of a project."""
    there(fake.store.projects.get(project_id))
    environments = [one.model_dump() for one in fake.store.environments if one.project_id == project_id]
    return listed(request, environments, filters=ENVIRONMENT_FILTERS, orders=ORDERS, state="1")


@routes("GET", V3 + "/projects/{project_id}/environments/{environment_id}/")
def get_environment(fake: Fake, request: Request, project_id: int, environment_id: int) -> Reply:  # noqa: ARG001
    """Answer with one environment."""
    environment = fake.store.environments.get(environment_id)
    return enveloped(there(environment if environment and environment.project_id == project_id else None))


@routes("GET", V3 + "/connections/")
def list_connections(fake: Fake, request: Request) -> Reply:
    """Answer with the connections of the account."""
    connections = [connection.model_dump() for connection in fake.store.connections]
    return listed(request, connections, filters={"name__icontains", "pk"}, orders=ORDERS, state="1")


@routes("GET", V3 + "/connections/{connection_id}/")
def get_connection(fake: Fake, request: Request, connection_id: int) -> Reply:  # noqa: ARG001
    """Answer with one connection."""
    return enveloped(there(fake.store.connections.get(connection_id)))


def there(found: object | None) -> object:
    """Return what was found.

    Raises:
        ApiError: 404, if it is nothing.
    """
    if found is None:
        raise ApiError(404)
    return found
