"""Everything the server offers. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

from symphony_client._transport import AsyncTransport, Transport
from symphony_client.api.agents import AgentsResource, AsyncAgentsResource
from symphony_client.api.approvals import ApprovalsResource, AsyncApprovalsResource
from symphony_client.api.audit import AsyncAuditResource, AuditResource
from symphony_client.api.auth import AsyncAuthResource, AuthResource
from symphony_client.api.billing import AsyncBillingResource, BillingResource
from symphony_client.api.comments import AsyncCommentsResource, CommentsResource
from symphony_client.api.executions import AsyncExecutionsResource, ExecutionsResource
from symphony_client.api.graphs import AsyncGraphsResource, GraphsResource
from symphony_client.api.invitations import AsyncInvitationsResource, InvitationsResource
from symphony_client.api.melodies import AsyncMelodiesResource, MelodiesResource
from symphony_client.api.organizations import AsyncOrganizationsResource, OrganizationsResource
from symphony_client.api.pools import AsyncPoolsResource, PoolsResource
from symphony_client.api.projects import AsyncProjectsResource, ProjectsResource
from symphony_client.api.secrets import AsyncSecretsResource, SecretsResource
from symphony_client.api.spending import AsyncSpendingResource, SpendingResource
from symphony_client.api.teams import AsyncTeamsResource, TeamsResource
from symphony_client.api.templates import AsyncTemplatesResource, TemplatesResource
from symphony_client.api.tokens import AsyncTokensResource, TokensResource
from symphony_client.api.triggers import AsyncTriggersResource, TriggersResource
from symphony_client.api.users import AsyncUsersResource, UsersResource
from symphony_client.api.workers import AsyncWorkersResource, WorkersResource


class Resources:
    """By tag of the schema."""

    def __init__(self, transport: Transport) -> None:
        self.agents = AgentsResource(transport)
        self.approvals = ApprovalsResource(transport)
        self.audit = AuditResource(transport)
        self.auth = AuthResource(transport)
        self.billing = BillingResource(transport)
        self.comments = CommentsResource(transport)
        self.executions = ExecutionsResource(transport)
        self.graphs = GraphsResource(transport)
        self.invitations = InvitationsResource(transport)
        self.melodies = MelodiesResource(transport)
        self.organizations = OrganizationsResource(transport)
        self.pools = PoolsResource(transport)
        self.projects = ProjectsResource(transport)
        self.secrets = SecretsResource(transport)
        self.spending = SpendingResource(transport)
        self.teams = TeamsResource(transport)
        self.templates = TemplatesResource(transport)
        self.tokens = TokensResource(transport)
        self.triggers = TriggersResource(transport)
        self.users = UsersResource(transport)
        self.workers = WorkersResource(transport)


class AsyncResources:
    """By tag of the schema."""

    def __init__(self, transport: AsyncTransport) -> None:
        self.agents = AsyncAgentsResource(transport)
        self.approvals = AsyncApprovalsResource(transport)
        self.audit = AsyncAuditResource(transport)
        self.auth = AsyncAuthResource(transport)
        self.billing = AsyncBillingResource(transport)
        self.comments = AsyncCommentsResource(transport)
        self.executions = AsyncExecutionsResource(transport)
        self.graphs = AsyncGraphsResource(transport)
        self.invitations = AsyncInvitationsResource(transport)
        self.melodies = AsyncMelodiesResource(transport)
        self.organizations = AsyncOrganizationsResource(transport)
        self.pools = AsyncPoolsResource(transport)
        self.projects = AsyncProjectsResource(transport)
        self.secrets = AsyncSecretsResource(transport)
        self.spending = AsyncSpendingResource(transport)
        self.teams = AsyncTeamsResource(transport)
        self.templates = AsyncTemplatesResource(transport)
        self.tokens = AsyncTokensResource(transport)
        self.triggers = AsyncTriggersResource(transport)
        self.users = AsyncUsersResource(transport)
        self.workers = AsyncWorkersResource(transport)
