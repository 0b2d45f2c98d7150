"""What the server answers with. Written by `python -m clients.generate`: change the generator, not this file."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, TypeAlias
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """What a newer server says besides is kept as it came."""

    model_config = ConfigDict(extra="allow", populate_by_name=True, protected_namespaces=())


AccountEnum: TypeAlias = Literal["receivable", "credit", "cash", "revenue"] | str


ActorKindEnum: TypeAlias = Literal["person", "token", "staff", "worker", "command"] | str


class Agent(Model):
    id: UUID
    name: str
    slug: str
    description: str
    organization: UUID
    owner_type: OwnerTypeEnum
    owner: UUID
    project: UUID | None
    framework: FrameworkEnum
    agent_type: AgentTypeEnum
    status: AgentStatus
    version: str
    deployed_at: datetime | None
    container_id: str
    resource_limits: Any
    metadata: Any
    resources: Resources
    marketplace: Integration | None
    created_at: datetime
    updated_at: datetime
    url: str
    links: dict[str, Any]


AgentStatus: TypeAlias = Literal["draft", "active", "inactive", "error"] | str


AgentTypeEnum: TypeAlias = Literal["visual", "code"] | str


class AgentVersion(Model):
    id: UUID
    version: str
    sha256: str
    change_summary: str
    archived: bool
    created_at: datetime


class AgentVersionDetail(Model):
    id: UUID
    version: str
    sha256: str
    change_summary: str
    archived: bool
    created_at: datetime
    config: dict[str, Any]
    source: str
    readable: bool


class Approval(Model):
    task: UUID
    name: str
    execution: UUID
    melody: UUID
    melody_name: str
    organization: UUID
    since: datetime | None
    waiting_for: dict[str, Any] | None
    decision_url: str


class Artifact(Model):
    id: UUID
    execution: UUID
    task: UUID
    task_name: str | None
    attempt: int | None
    name: str
    artifact_type: str
    content_type: str
    content_hash: str
    size: int
    metadata: dict[str, Any]
    created_at: datetime
    url: str
    content_url: str
    lineage_url: str


class AuditActor(Model):
    id: UUID
    email: str
    display_name: str


class AuditEntry(Model):
    id: UUID
    action: str
    occurred_at: datetime
    organization: UUID | None
    actor: AuditActor | None
    actor_id: UUID | None
    actor_kind: ActorKindEnum
    channel: str
    address: str
    user_agent: str
    request_id: str
    correlation_id: str
    target: AuditTarget
    before: dict[str, Any]
    after: dict[str, Any]
    sequence: int | None
    hash: str | None


class AuditTarget(Model):
    type: str
    id: str
    name: str


class Backfill(Model):
    id: UUID
    trigger: UUID
    since: datetime
    until: datetime
    again: bool
    parallel: int
    total: int
    state: BackfillState
    progress: Progress
    created_at: datetime
    ended_at: datetime | None
    url: str


BackfillState: TypeAlias = Literal["running", "completed", "cancelled"] | str


BillingPeriodEnum: TypeAlias = Literal["monthly", "yearly"] | str


BlankEnum: TypeAlias = Literal[""] | str


class Budget(Model):
    id: UUID
    name: str
    organization: UUID
    scope: ScopeEnum
    target: UUID | None
    limit_usd: Decimal | None
    limit_tokens: int | None
    period: PeriodEnum
    on_exceed: OnExceedEnum
    alert_at: int | None
    counts_mock: bool
    active: bool
    current: Standing
    created_at: datetime
    updated_at: datetime
    url: str


BulkActionEnum: TypeAlias = Literal["archive", "activate", "tag", "untag", "move", "delete"] | str


class BulkFilterInputRequest(Model):
    ids: list[UUID] | None = None
    status: list[str] | None = None
    organization: UUID | None = None
    project: UUID | None = None
    melody: UUID | None = None
    agent: UUID | None = None
    trigger: UUID | None = None
    parent: UUID | None = None
    rerun_of: UUID | None = None
    correlation_id: UUID | None = None
    error_code: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


BulkInputActionEnum: TypeAlias = Literal["cancel", "pause", "resume", "retry"] | str


class BulkResult(Model):
    matched: int
    changed: int
    dry_run: bool


class Change(Model):
    op: OpEnum
    pointer: str
    before: Any
    after: Any


class ChangePreview(Model):
    credit: str
    charge: str
    net: str
    currency: str
    period_end: datetime


class Comment(Model):
    id: UUID
    melody: UUID
    step: CommentedStep | None
    parent: UUID | None
    author: MemberUser
    body: str
    mentions: list[MemberUser]
    reply_count: int
    resolved: bool
    resolved_by: MemberUser | None
    resolved_at: datetime | None
    edited_at: datetime | None
    deleted: bool
    created_at: datetime
    url: str


class CommentedStep(Model):
    id: UUID
    path: list[str]


class Connection(Model):
    id: int
    client_id: str
    name: str
    connected_at: datetime
    last_used_at: datetime


class ConnectionRow(Model):
    from_step: str
    to_step: str
    from_output: str | None = None
    to_input: str | None = None
    origin: OriginEnum | None = None
    order_index: int | None = None
    extra: dict[str, Any] | None = None
    path_data: Any = None


class ConnectionRowRequest(Model):
    from_step: str
    to_step: str
    from_output: str | None = None
    to_input: str | None = None
    origin: OriginEnum | None = None
    order_index: int | None = None
    extra: dict[str, Any] | None = None
    path_data: Any = None


CreationSourceEnum: TypeAlias = Literal["user_created", "conductor_generated", "imported", "forked", "template"] | str


class Decision(Model):
    id: UUID
    task: UUID
    user: str
    role: str
    decision: DecisionEnum
    comment: str
    at: datetime


DecisionEnum: TypeAlias = Literal["approve", "reject"] | str


class Delivery(Model):
    delivery: str
    firing: UUID
    duplicate: bool


class Deployment(Model):
    id: UUID
    agent: UUID
    version: str
    runtime: RuntimeEnum
    desired: DesiredEnum
    status: DeploymentStatus
    container_id: str
    health: DeploymentHealthEnum
    health_checked_at: datetime | None
    started_at: datetime | None
    stopped_at: datetime | None
    restart_count: int
    error_message: str
    created_at: datetime
    updated_at: datetime
    url: str


DeploymentHealthEnum: TypeAlias = Literal["unknown", "healthy", "unhealthy"] | str


class DeploymentLogs(Model):
    logs: str


DeploymentStatus: TypeAlias = (
    Literal["pending", "starting", "running", "stopping", "stopped", "failed", "crashed"] | str
)


DesiredEnum: TypeAlias = Literal["running", "stopped"] | str


class DocumentProblem(Model):
    code: str
    message: str
    pointer: str
    line: int | None
    column: int | None
    suggestion: str | None
    severity: SeverityEnum


class DryRun(Model):
    total: int
    fired_before: int
    first: datetime | None
    last: datetime | None


class DueTime(Model):
    at: datetime
    local: str


class Edge(Model):
    node: int
    when: str


class EdgeOfDiff(Model):
    from_: str = Field(alias="from")
    to: str
    from_output: str
    to_input: str
    origin: OriginEnum


class Ended(Model):
    ended: int


class Erasure(Model):
    kept: list[str]


class Event(Model):
    id: int
    type: str
    task: UUID | None
    task_name: str | None
    payload: dict[str, Any]
    occurred_at: datetime
    cursor: str


class Execution(Model):
    id: UUID
    melody: UUID
    melody_name: str
    organization: UUID
    version: int
    version_sha256: str
    status: ExecutionStatus
    status_message: str
    error: dict[str, Any] | None
    correlation_id: UUID
    parent: UUID | None
    rerun_of: UUID | None
    rerun_mode: str
    rerun_step: str
    trigger: UUID | None
    project: UUID | None
    agent: UUID | None
    retry_count: int
    max_retries: int
    priority: int
    created_at: datetime
    updated_at: datetime
    retried_at: datetime | None
    started_at: datetime | None
    paused_at: datetime | None
    resumed_at: datetime | None
    completed_at: datetime | None
    duration_seconds: float | None
    url: str
    links: dict[str, Any]


class ExecutionBulkResult(Model):
    dry_run: bool
    matched: int
    by_status: dict[str, int]
    done: int
    refusals: int
    remaining: int
    executions: list[UUID]
    refused: list[Refusal]


class ExecutionDetail(Model):
    id: UUID
    melody: UUID
    melody_name: str
    organization: UUID
    version: int
    version_sha256: str
    status: ExecutionStatus
    status_message: str
    error: dict[str, Any] | None
    correlation_id: UUID
    parent: UUID | None
    rerun_of: UUID | None
    rerun_mode: str
    rerun_step: str
    trigger: UUID | None
    project: UUID | None
    agent: UUID | None
    retry_count: int
    max_retries: int
    priority: int
    created_at: datetime
    updated_at: datetime
    retried_at: datetime | None
    started_at: datetime | None
    paused_at: datetime | None
    resumed_at: datetime | None
    completed_at: datetime | None
    duration_seconds: float | None
    url: str
    links: dict[str, Any]
    input: dict[str, Any]
    outputs: dict[str, Any] | None
    task_counts: dict[str, Any]
    resource_usage: dict[str, Any]
    performance_metrics: dict[str, Any]


class ExecutionExplanation(Model):
    reasons: list[dict[str, Any]]
    execution: UUID
    state: ExecutionStatus
    message: str
    counts: dict[str, int]
    steps: list[ExplainedStep]


class ExecutionSpending(Model):
    total: Sums
    tasks: list[TaskSpending]


ExecutionStatus: TypeAlias = (
    Literal["queued", "pending", "running", "paused", "completed", "failed", "cancelled", "timeout"] | str
)


class ExplainedStep(Model):
    reasons: list[dict[str, Any]]
    task: UUID
    execution: UUID
    name: str
    kind: str
    queue: str
    state: TaskStatus
    attempt: int


class Firing(Model):
    id: UUID
    trigger: UUID
    source: FiringSource
    key: str
    due_at: datetime
    state: FiringState
    waiting: WaitingEnum | BlankEnum
    ready_at: datetime | None
    reason: dict[str, Any] | None
    execution: UUID | None
    running: bool
    fired_at: datetime | None
    fired_by: str | None
    backfill: UUID | None
    missed: int
    depth: int
    created_at: datetime
    url: str


class FiringDetail(Model):
    id: UUID
    trigger: UUID
    source: FiringSource
    key: str
    due_at: datetime
    state: FiringState
    waiting: WaitingEnum | BlankEnum
    ready_at: datetime | None
    reason: dict[str, Any] | None
    execution: UUID | None
    running: bool
    fired_at: datetime | None
    fired_by: str | None
    backfill: UUID | None
    missed: int
    depth: int
    created_at: datetime
    url: str
    payload: dict[str, Any]


FiringSource: TypeAlias = Literal["cron", "manual", "webhook", "event", "chain", "backfill"] | str


FiringState: TypeAlias = Literal["pending", "started", "skipped", "failed"] | str


ForkStatusEnum: TypeAlias = Literal["draft", "active"] | str


FrameworkEnum: TypeAlias = Literal["langgraph", "agno", "crewai", "n8n"] | str


class Graph(Model):
    nodes: list[Node]


class Group(Model):
    calls: int
    lost_calls: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    usd: Decimal
    reserved_usd: Decimal
    mock_calls: int
    mock_tokens: int
    mock_usd: Decimal
    key: str | None


GroupByEnum: TypeAlias = Literal["model", "melody", "project", "day"] | str


class Highlight(Model):
    name: str
    description: str


class HistoryEntry(Model):
    id: int
    kind: HistoryEntryKindEnum
    summary: str
    occurred_at: datetime
    actor: AuditActor | None
    request_id: str
    changes: list[HistoryField]


HistoryEntryKindEnum: TypeAlias = Literal["created", "changed", "deleted"] | str


class HistoryField(Model):
    field: str
    before: Any
    after: Any


class HookSecret(Model):
    secret: str
    created_at: datetime
    others_until: datetime


class Instance(Model):
    melody: UUID
    version: int
    input: dict[str, Any]
    url: str


class Integration(Model):
    marketplace_name: str
    marketplace_agent_id: str
    status: IntegrationStatusEnum
    published_at: datetime | None
    unpublished_at: datetime | None
    usage_metrics: Any
    created_at: datetime
    updated_at: datetime


IntegrationStatusEnum: TypeAlias = Literal["pending", "published", "unpublished", "error"] | str


class Invitation(Model):
    id: UUID
    email: str
    role: Role
    status: InvitationStatusEnum
    is_open: bool
    invited_by: Inviter
    created_at: datetime
    sent_at: datetime
    sent_count: int
    expires_at: datetime
    closed_at: datetime | None


class InvitationInputRequest(Model):
    email: str
    role: Role | None = None


InvitationStatusEnum: TypeAlias = Literal["pending", "accepted", "declined", "revoked"] | str


class InvitedTo(Model):
    id: UUID
    name: str
    slug: str


class Inviter(Model):
    id: UUID
    username: str
    display_name: str


class Invoice(Model):
    id: UUID
    number: str
    status: InvoiceStatus
    currency: str
    total: str
    credit_applied: str
    amount_due: str
    amount_paid: str
    lines: list[InvoiceLine]
    period_start: datetime | None
    period_end: datetime | None
    due_at: datetime | None
    issued_at: datetime
    paid_at: datetime | None
    hosted_url: str
    subscription: UUID | None
    provider: str


class InvoiceLine(Model):
    description: str
    amount: str


InvoiceStatus: TypeAlias = Literal["open", "paid", "void", "uncollectible"] | str


class Joined(Model):
    organization: InvitedTo
    role: Role


class LedgerEntry(Model):
    id: UUID
    reference: str
    description: str
    invoice: UUID | None
    postings: list[Posting]
    created_at: datetime


class Lineage(Model):
    artifact: LineageArtifact
    attempt: int | None
    execution: LineageRun
    made_by: LineageStep
    made_from: list[LineageStep]
    made_into: list[LineageStep]
    links: list[LineageLink]
    same_bytes: list[LineageArtifact]
    truncated: bool


class LineageArtifact(Model):
    id: UUID
    name: str
    content_type: str
    content_hash: str
    size: int
    execution: UUID
    created_at: datetime
    url: str


class LineageLink(Model):
    task: UUID
    source: UUID
    relation: RelationEnum


class LineageRun(Model):
    id: UUID
    melody: UUID
    version: UUID
    version_sha256: str
    correlation_id: UUID
    created_at: datetime
    url: str


class LineageStep(Model):
    task: UUID
    name: str
    kind: str
    status: str
    attempt: int
    worker: str | None
    execution: UUID
    version: UUID
    version_sha256: str
    started_at: datetime | None
    completed_at: datetime | None
    distance: int
    result_sha256: str | None
    result_size: int | None
    artifacts: list[LineageArtifact]


class MadeDecision(Model):
    id: UUID
    task: UUID
    user: str
    role: str
    decision: DecisionEnum
    comment: str
    at: datetime
    over: bool


class Melody(Model):
    id: UUID
    name: str
    description: str
    status: MelodyStatus
    organization: UUID
    path: str | None
    project: UUID | None
    agent: UUID | None
    tags: list[str]
    creation_source: CreationSourceEnum
    compatible_extensions: list[str]
    pricing_tier: PricingTierEnum
    parent: UUID | None
    forked_from_version: str | None
    fork_count: int
    version: Version | None
    highlight: Highlight | None
    created_by: UUID
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None
    url: str


class MelodyGraph(Model):
    workflow: dict[str, Any] | None = None
    beside: dict[str, Any] | None = None
    steps: list[StepRow]
    connections: list[ConnectionRow] | None = None
    revision: int
    version: int
    changed: bool
    behind: bool
    problems: list[DocumentProblem] | None = None


MelodyStatus: TypeAlias = Literal["draft", "active", "archived"] | str


class MemberUser(Model):
    id: UUID
    email: str
    username: str
    display_name: str
    avatar_url: str


class Membership(Model):
    id: UUID
    user: MemberUser
    role: Role
    joined_at: datetime


class Mention(Model):
    id: UUID
    comment: UUID
    melody: UUID
    melody_name: str
    author: MemberUser
    body: str
    seen: bool
    seen_at: datetime | None
    created_at: datetime


class MentionsSeen(Model):
    changed: int


MisfirePolicyEnum: TypeAlias = Literal["skip", "fire_once", "fire_all"] | str


ModeEnum: TypeAlias = Literal["failed", "downstream", "from_here"] | str


class N8nImport(Model):
    melody: Melody
    issues: list[N8nIssue]


class N8nIssue(Model):
    node: str
    type: str
    code: str
    message: str
    severity: SeverityEnum


class NamedEvent(Model):
    id: UUID
    organization: UUID
    name: str
    payload: Any
    key: str
    sent_by: str
    received_at: datetime
    matched: int | None


class NamedVariableInputRequest(Model):
    value: Any
    description: str | None = None
    name: str


NetworkIsolationEnum: TypeAlias = Literal["shared", "isolated"] | str


class NewToken(Model):
    id: UUID
    name: str
    prefix: str
    scopes: list[ScopesEnum]
    organization: UUID | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    secret: str


class Node(Model):
    node: int
    name: str
    kind: str
    parent: int | None
    depth: int
    successors: list[Edge]


NullEnum: TypeAlias = None


OnExceedEnum: TypeAlias = Literal["stop", "pause", "cheaper"] | str


OpEnum: TypeAlias = Literal["add", "remove", "replace"] | str


class Organization(Model):
    id: UUID
    name: str
    slug: str
    subscription_tier: SubscriptionTier
    is_personal: bool
    owner_type: OwnerTypeEnum
    settings: dict[str, Any]
    created_at: datetime
    updated_at: datetime


OriginEnum: TypeAlias = Literal["connection", "dependency"] | str


class Outcome(Model):
    email: str
    outcome: OutcomeEnum
    invitation: Invitation | None


OutcomeEnum: TypeAlias = Literal["invited", "already_member", "already_invited", "too_many_requests"] | str


class Outcomes(Model):
    results: list[Outcome]


OverlapEnum: TypeAlias = Literal["allow", "skip", "queue", "cancel_previous"] | str


OwnerTypeEnum: TypeAlias = Literal["user", "organization"] | str


class PaginatedAgentList(Model):
    results: list[Agent]
    next: str | None


class PaginatedAgentVersionList(Model):
    results: list[AgentVersion]
    next: str | None


class PaginatedApprovalList(Model):
    results: list[Approval]
    next: str | None


class PaginatedArtifactList(Model):
    results: list[Artifact]
    next: str | None


class PaginatedAuditEntryList(Model):
    results: list[AuditEntry]
    next: str | None


class PaginatedBackfillList(Model):
    results: list[Backfill]
    next: str | None


class PaginatedBudgetList(Model):
    results: list[Budget]
    next: str | None


class PaginatedCommentList(Model):
    results: list[Comment]
    next: str | None


class PaginatedConnectionList(Model):
    results: list[Connection]
    next: str | None


class PaginatedDecisionList(Model):
    results: list[Decision]
    next: str | None


class PaginatedDeploymentList(Model):
    results: list[Deployment]
    next: str | None


class PaginatedEventList(Model):
    results: list[Event]
    next: str | None


class PaginatedExecutionList(Model):
    results: list[Execution]
    next: str | None


class PaginatedFiringList(Model):
    results: list[Firing]
    next: str | None


class PaginatedHistoryEntryList(Model):
    results: list[HistoryEntry]
    next: str | None


class PaginatedInvitationList(Model):
    results: list[Invitation]
    next: str | None


class PaginatedInvoiceList(Model):
    results: list[Invoice]
    next: str | None


class PaginatedLedgerEntryList(Model):
    results: list[LedgerEntry]
    next: str | None


class PaginatedMelodyList(Model):
    results: list[Melody]
    next: str | None


class PaginatedMembershipList(Model):
    results: list[Membership]
    next: str | None


class PaginatedMentionList(Model):
    results: list[Mention]
    next: str | None


class PaginatedNamedEventList(Model):
    results: list[NamedEvent]
    next: str | None


class PaginatedOrganizationList(Model):
    results: list[Organization]
    next: str | None


class PaginatedPlanList(Model):
    results: list[Plan]
    next: str | None


class PaginatedPoolList(Model):
    results: list[Pool]
    next: str | None


class PaginatedProjectAccessList(Model):
    results: list[ProjectAccess]
    next: str | None


class PaginatedProjectList(Model):
    results: list[Project]
    next: str | None


class PaginatedProjectMemberList(Model):
    results: list[ProjectMember]
    next: str | None


class PaginatedReceivedInvitationList(Model):
    results: list[ReceivedInvitation]
    next: str | None


class PaginatedSecretList(Model):
    results: list[Secret]
    next: str | None


class PaginatedSessionList(Model):
    results: list[Session]
    next: str | None


class PaginatedSignalList(Model):
    results: list[Signal]
    next: str | None


class PaginatedTaskList(Model):
    results: list[Task]
    next: str | None


class PaginatedTeamList(Model):
    results: list[Team]
    next: str | None


class PaginatedTeamMemberList(Model):
    results: list[TeamMember]
    next: str | None


class PaginatedTemplateList(Model):
    results: list[Template]
    next: str | None


class PaginatedTokenList(Model):
    results: list[Token]
    next: str | None


class PaginatedTriggerList(Model):
    results: list[Trigger]
    next: str | None


class PaginatedVariableList(Model):
    results: list[Variable]
    next: str | None


class PaginatedVersionList(Model):
    results: list[Version]
    next: str | None


class PaginatedWorkerList(Model):
    results: list[Worker]
    next: str | None


PeriodEnum: TypeAlias = Literal["day", "week", "month", "total"] | str


class Plan(Model):
    id: UUID
    name: str
    description: str
    tier: SubscriptionTier
    price: str
    currency: str
    billing_period: BillingPeriodEnum
    limits: dict[str, int | None]
    features: Any
    active: bool
    position: int


class Pool(Model):
    id: UUID
    organization: UUID | None
    kind: PoolKind
    name: str
    slots: int | None
    tokens_per_minute: int | None
    open: bool
    by_plan: bool
    taken: int
    state: PoolStateEnum
    state_since: datetime
    health: PoolHealthEnum
    recovers_at: datetime | None
    created_at: datetime
    updated_at: datetime
    url: str


PoolHealthEnum: TypeAlias = Literal["healthy", "degraded", "unhealthy", "unknown"] | str


PoolKind: TypeAlias = Literal["model", "queue", "organization", "key"] | str


PoolStateEnum: TypeAlias = Literal["unloaded", "loading", "warming", "ready", "active", "cooling"] | str


class Portal(Model):
    url: str


class Posting(Model):
    account: AccountEnum
    currency: str
    amount: str


class Preview(Model):
    timezone: str
    times: list[DueTime]


PricingTierEnum: TypeAlias = Literal["free", "premium", "enterprise"] | str


class Progress(Model):
    waiting: int
    running: int
    started: int
    skipped: int
    failed: int


class Project(Model):
    id: UUID
    name: str
    slug: str
    description: str
    configuration: dict[str, Any]
    access: ProjectAccessMode
    archived: bool
    archived_at: datetime | None
    organization: UUID
    created_by: UUID
    created_at: datetime
    updated_at: datetime
    url: str


class ProjectAccess(Model):
    id: UUID
    user: MemberUser | None
    team: dict[str, Any] | None
    role: Role
    created_at: datetime


ProjectAccessMode: TypeAlias = Literal["organization", "restricted"] | str


class ProjectMember(Model):
    user: MemberUser
    organization_role: Role
    role: Role | NullEnum


class PublicUser(Model):
    id: UUID
    username: str
    display_name: str
    bio: str
    website: str
    avatar_url: str
    github_username: str
    social_links: dict[str, str]
    created_at: datetime


QuotaEnum: TypeAlias = (
    Literal[
        "seats",
        "concurrent_executions",
        "concurrent_tasks",
        "storage_bytes",
        "retention_days",
        "requests_per_minute",
        "max_projects",
        "max_agents",
    ]
    | str
)


class QuotaUse(Model):
    quota: QuotaEnum
    limit: int | None
    used: int | None
    remaining: int | None


class ReceivedInvitation(Model):
    id: UUID
    organization: InvitedTo
    email: str
    role: Role
    invited_by: Inviter
    created_at: datetime
    expires_at: datetime


class Refusal(Model):
    execution: UUID
    code: str
    message: str


RelationEnum: TypeAlias = Literal["read", "follows", "inside", "collects", "kept"] | str


class Resources(Model):
    subscription_tier: ResourcesSubscriptionTierEnum
    cpu_limit: int
    memory_limit_mb: int
    network_isolation: NetworkIsolationEnum
    updated_at: datetime


ResourcesSubscriptionTierEnum: TypeAlias = Literal["basic", "pro", "enterprise"] | str


Role: TypeAlias = Literal["owner", "admin", "member", "viewer"] | str


RuntimeEnum: TypeAlias = Literal["local"] | str


ScopeEnum: TypeAlias = Literal["organization", "project", "melody"] | str


ScopesEnum: TypeAlias = Literal["read", "write", "administer"] | str


class Secret(Model):
    name: str
    created_at: datetime
    updated_at: datetime
    last_used_at: datetime | None


class Sent(Model):
    detail: str


class Session(Model):
    id: UUID
    kind: SessionKindEnum
    current: bool
    device: str
    address: str | None
    scopes: list[ScopesEnum]
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime


SessionKindEnum: TypeAlias = Literal["website", "browser"] | str


SeverityEnum: TypeAlias = Literal["error", "warning"] | str


class Signal(Model):
    id: UUID
    execution: UUID
    name: str
    payload: Any
    sent_by: str
    received_at: datetime
    consumed_by: UUID | None


class SignedIn(Model):
    access: str
    token_type: str
    expires_in: int
    refresh: str
    session: UUID
    scopes: list[ScopesEnum]


SourceStatusesEnum: TypeAlias = Literal["completed", "failed", "timeout", "cancelled"] | str


class Spending(Model):
    from_: datetime = Field(alias="from")
    to: datetime
    group_by: GroupByEnum
    total: Sums
    groups: list[Group]


class Standing(Model):
    starts_at: datetime
    ends_at: datetime | None
    spent_usd: Decimal
    reserved_usd: Decimal
    remaining_usd: Decimal | None
    spent_tokens: int
    reserved_tokens: int
    remaining_tokens: int | None


class Statistics(Model):
    melody: UUID
    executions: int
    completed: int
    failed: int
    timed_out: int
    cancelled: int
    success_rate: float | None
    p50_ms: float | None
    p95_ms: float | None
    last_started_at: datetime | None
    last_completed_at: datetime | None
    refreshed_at: datetime | None


class StepDelta(Model):
    names: list[str]
    type: str
    pointer: str
    names_before: list[str]
    type_before: str
    renamed: bool
    moved: bool
    changes: list[Change]


class StepOfDiff(Model):
    names: list[str]
    type: str
    pointer: str


class StepRow(Model):
    id: str
    name: str
    type: str
    enabled: bool | None = None
    config: dict[str, Any] | None = None
    parent_step: str | None = None
    body: str | None = None
    label: str | None = None
    order_index: int | None = None
    position_x: float | None = None
    position_y: float | None = None
    width: float | None = None
    height: float | None = None


class StepRowRequest(Model):
    id: str
    name: str
    type: str
    enabled: bool | None = None
    config: dict[str, Any] | None = None
    parent_step: str | None = None
    body: str | None = None
    label: str | None = None
    order_index: int | None = None
    position_x: float | None = None
    position_y: float | None = None
    width: float | None = None
    height: float | None = None


class Storage(Model):
    artifacts: int
    artifact_bytes: int
    results: int
    result_bytes: int
    named_bytes: int
    blobs: int
    unique_bytes: int
    stored_bytes: int
    hit_rate: float | None
    refreshed_at: datetime | None


class Subscription(Model):
    id: UUID
    plan: Plan
    status: SubscriptionStatus
    start_date: datetime | None
    end_date: datetime | None
    current_period_start: datetime | None
    current_period_end: datetime | None
    cancel_at_period_end: bool
    cancelled_at: datetime | None
    provider: str
    payment_info: dict[str, Any]
    checkout_url: str
    created_at: datetime


SubscriptionStatus: TypeAlias = Literal["incomplete", "active", "past_due", "cancelled", "expired"] | str


SubscriptionTier: TypeAlias = Literal["free", "basic", "pro", "enterprise"] | str


class Sums(Model):
    calls: int
    lost_calls: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    usd: Decimal
    reserved_usd: Decimal
    mock_calls: int
    mock_tokens: int
    mock_usd: Decimal


class Task(Model):
    id: UUID
    execution: UUID
    name: str
    kind: str
    status: TaskStatus
    attempt: int
    queue: str
    worker: str | None
    parent: UUID | None
    kept_from: UUID | None
    iteration: int | None
    created_at: datetime
    dispatched_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    duration_seconds: float | None
    waiting_for: dict[str, Any] | None
    output: Any
    output_truncated: bool
    error: dict[str, Any] | None
    url: str


class TaskDetail(Model):
    id: UUID
    execution: UUID
    name: str
    kind: str
    status: TaskStatus
    attempt: int
    queue: str
    worker: str | None
    parent: UUID | None
    kept_from: UUID | None
    iteration: int | None
    created_at: datetime
    dispatched_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    duration_seconds: float | None
    waiting_for: dict[str, Any] | None
    output: Any
    output_truncated: bool
    error: dict[str, Any] | None
    url: str


class TaskExplanation(Model):
    reasons: list[dict[str, Any]]
    task: UUID
    execution: UUID
    name: str
    kind: str
    queue: str
    state: TaskStatus
    attempt: int
    predicted_start: dict[str, Any] | None


class TaskSpending(Model):
    calls: int
    lost_calls: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    usd: Decimal
    reserved_usd: Decimal
    mock_calls: int
    mock_tokens: int
    mock_usd: Decimal
    task: UUID


TaskStatus: TypeAlias = (
    Literal["pending", "dispatched", "executing", "waiting", "completed", "failed", "skipped", "cancelled"] | str
)


class Team(Model):
    id: UUID
    organization: UUID
    name: str
    description: str
    settings: dict[str, Any]
    member_count: int
    created_at: datetime
    updated_at: datetime


class TeamMember(Model):
    id: UUID
    user: MemberUser
    role: Role
    joined_at: datetime


class Template(Model):
    id: UUID
    name: str
    description: str
    category: str
    icon: str
    default_values: dict[str, Any]
    usage_count: int
    organization: UUID | None
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    url: str


class TemplateDetail(Model):
    id: UUID
    name: str
    description: str
    category: str
    icon: str
    default_values: dict[str, Any]
    usage_count: int
    organization: UUID | None
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    url: str
    document: dict[str, Any]


class Token(Model):
    id: UUID
    name: str
    prefix: str
    scopes: list[ScopesEnum]
    organization: UUID | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None


class Trigger(Model):
    id: UUID
    organization: UUID
    melody: UUID
    melody_name: str
    version: int | None
    kind: TriggerKind
    name: str
    description: str
    state: TriggerState
    state_reason: str
    failing: bool
    failures: int
    backoff_until: datetime | None
    last_error: dict[str, Any] | None
    owner: UUID
    input: dict[str, Any]
    mapping: dict[str, Any]
    filter: str
    priority: int
    cron: list[str]
    timezone: str
    starts_at: datetime | None
    ends_at: datetime | None
    jitter_seconds: int
    misfire_policy: MisfirePolicyEnum
    misfire_grace_seconds: int
    misfire_limit: int
    next_due_at: datetime | None
    overlap: OverlapEnum
    concurrency_key: str
    debounce_seconds: float | None
    queue_limit: int
    hook_url: str | None
    event: str
    source_melody: UUID | None
    source_statuses: list[str]
    max_depth: int
    created_at: datetime
    updated_at: datetime
    url: str


TriggerKind: TypeAlias = Literal["manual", "cron", "webhook", "event", "chain"] | str


TriggerState: TypeAlias = Literal["active", "paused", "stopped", "ended"] | str


class Usage(Model):
    tier: SubscriptionTier
    quotas: list[QuotaUse]


class User(Model):
    id: UUID
    email: str
    email_verified: bool
    username: str
    display_name: str
    first_name: str
    last_name: str
    bio: str
    website: str
    avatar_url: str
    github_username: str
    social_links: dict[str, str]
    preferences: dict[str, Any]
    has_password: bool
    last_login_at: datetime | None
    created_at: datetime
    updated_at: datetime


class Validation(Model):
    valid: bool
    name: str | None = None
    steps: int | None = None
    mode: str | None = None
    errors: list[DocumentProblem] | None = None
    warnings: list[DocumentProblem]


class Variable(Model):
    name: str
    value: Any
    description: str
    created_at: datetime
    updated_at: datetime


class Version(Model):
    id: UUID
    number: int
    semver: str
    change_summary: str
    sha256: str
    step_count: int
    created_by: UUID
    created_at: datetime


VersionBump: TypeAlias = Literal["major", "minor", "patch"] | str


class VersionDetail(Model):
    id: UUID
    number: int
    semver: str
    change_summary: str
    sha256: str
    step_count: int
    created_by: UUID
    created_at: datetime
    media_type: str
    source: str
    document: dict[str, Any]


class VersionDiff(Model):
    before: VersionName
    after: VersionName
    weight: VersionBump
    summary: list[str]
    counts: dict[str, int]
    steps_added: list[StepOfDiff]
    steps_removed: list[StepOfDiff]
    steps_changed: list[StepDelta]
    connections_added: list[EdgeOfDiff]
    connections_removed: list[EdgeOfDiff]
    workflow: list[Change]
    truncated: bool
    text: str | None


class VersionName(Model):
    number: int
    semver: str


WaitingEnum: TypeAlias = Literal["debounce", "overlap", "quota", "backoff", "trouble"] | str


class Welcome(Model):
    organization: InvitedTo
    role: Role
    user: User


class Worker(Model):
    id: UUID
    state: WorkerStateEnum
    queues: list[str]
    routes: list[str]
    capabilities: list[str]
    pool: str
    slots: int
    stuck: int
    started_at: datetime
    seen_at: datetime
    name: str | None
    host: str | None
    version: str | None


WorkerStateEnum: TypeAlias = Literal["online", "draining", "gone"] | str


Agent.model_rebuild()
AgentVersion.model_rebuild()
AgentVersionDetail.model_rebuild()
Approval.model_rebuild()
Artifact.model_rebuild()
AuditActor.model_rebuild()
AuditEntry.model_rebuild()
AuditTarget.model_rebuild()
Backfill.model_rebuild()
Budget.model_rebuild()
BulkFilterInputRequest.model_rebuild()
BulkResult.model_rebuild()
Change.model_rebuild()
ChangePreview.model_rebuild()
Comment.model_rebuild()
CommentedStep.model_rebuild()
Connection.model_rebuild()
ConnectionRow.model_rebuild()
ConnectionRowRequest.model_rebuild()
Decision.model_rebuild()
Delivery.model_rebuild()
Deployment.model_rebuild()
DeploymentLogs.model_rebuild()
DocumentProblem.model_rebuild()
DryRun.model_rebuild()
DueTime.model_rebuild()
Edge.model_rebuild()
EdgeOfDiff.model_rebuild()
Ended.model_rebuild()
Erasure.model_rebuild()
Event.model_rebuild()
Execution.model_rebuild()
ExecutionBulkResult.model_rebuild()
ExecutionDetail.model_rebuild()
ExecutionExplanation.model_rebuild()
ExecutionSpending.model_rebuild()
ExplainedStep.model_rebuild()
Firing.model_rebuild()
FiringDetail.model_rebuild()
Graph.model_rebuild()
Group.model_rebuild()
Highlight.model_rebuild()
HistoryEntry.model_rebuild()
HistoryField.model_rebuild()
HookSecret.model_rebuild()
Instance.model_rebuild()
Integration.model_rebuild()
Invitation.model_rebuild()
InvitationInputRequest.model_rebuild()
InvitedTo.model_rebuild()
Inviter.model_rebuild()
Invoice.model_rebuild()
InvoiceLine.model_rebuild()
Joined.model_rebuild()
LedgerEntry.model_rebuild()
Lineage.model_rebuild()
LineageArtifact.model_rebuild()
LineageLink.model_rebuild()
LineageRun.model_rebuild()
LineageStep.model_rebuild()
MadeDecision.model_rebuild()
Melody.model_rebuild()
MelodyGraph.model_rebuild()
MemberUser.model_rebuild()
Membership.model_rebuild()
Mention.model_rebuild()
MentionsSeen.model_rebuild()
N8nImport.model_rebuild()
N8nIssue.model_rebuild()
NamedEvent.model_rebuild()
NamedVariableInputRequest.model_rebuild()
NewToken.model_rebuild()
Node.model_rebuild()
Organization.model_rebuild()
Outcome.model_rebuild()
Outcomes.model_rebuild()
PaginatedAgentList.model_rebuild()
PaginatedAgentVersionList.model_rebuild()
PaginatedApprovalList.model_rebuild()
PaginatedArtifactList.model_rebuild()
PaginatedAuditEntryList.model_rebuild()
PaginatedBackfillList.model_rebuild()
PaginatedBudgetList.model_rebuild()
PaginatedCommentList.model_rebuild()
PaginatedConnectionList.model_rebuild()
PaginatedDecisionList.model_rebuild()
PaginatedDeploymentList.model_rebuild()
PaginatedEventList.model_rebuild()
PaginatedExecutionList.model_rebuild()
PaginatedFiringList.model_rebuild()
PaginatedHistoryEntryList.model_rebuild()
PaginatedInvitationList.model_rebuild()
PaginatedInvoiceList.model_rebuild()
PaginatedLedgerEntryList.model_rebuild()
PaginatedMelodyList.model_rebuild()
PaginatedMembershipList.model_rebuild()
PaginatedMentionList.model_rebuild()
PaginatedNamedEventList.model_rebuild()
PaginatedOrganizationList.model_rebuild()
PaginatedPlanList.model_rebuild()
PaginatedPoolList.model_rebuild()
PaginatedProjectAccessList.model_rebuild()
PaginatedProjectList.model_rebuild()
PaginatedProjectMemberList.model_rebuild()
PaginatedReceivedInvitationList.model_rebuild()
PaginatedSecretList.model_rebuild()
PaginatedSessionList.model_rebuild()
PaginatedSignalList.model_rebuild()
PaginatedTaskList.model_rebuild()
PaginatedTeamList.model_rebuild()
PaginatedTeamMemberList.model_rebuild()
PaginatedTemplateList.model_rebuild()
PaginatedTokenList.model_rebuild()
PaginatedTriggerList.model_rebuild()
PaginatedVariableList.model_rebuild()
PaginatedVersionList.model_rebuild()
PaginatedWorkerList.model_rebuild()
Plan.model_rebuild()
Pool.model_rebuild()
Portal.model_rebuild()
Posting.model_rebuild()
Preview.model_rebuild()
Progress.model_rebuild()
Project.model_rebuild()
ProjectAccess.model_rebuild()
ProjectMember.model_rebuild()
PublicUser.model_rebuild()
QuotaUse.model_rebuild()
ReceivedInvitation.model_rebuild()
Refusal.model_rebuild()
Resources.model_rebuild()
Secret.model_rebuild()
Sent.model_rebuild()
Session.model_rebuild()
Signal.model_rebuild()
SignedIn.model_rebuild()
Spending.model_rebuild()
Standing.model_rebuild()
Statistics.model_rebuild()
StepDelta.model_rebuild()
StepOfDiff.model_rebuild()
StepRow.model_rebuild()
StepRowRequest.model_rebuild()
Storage.model_rebuild()
Subscription.model_rebuild()
Sums.model_rebuild()
Task.model_rebuild()
TaskDetail.model_rebuild()
TaskExplanation.model_rebuild()
TaskSpending.model_rebuild()
Team.model_rebuild()
TeamMember.model_rebuild()
Template.model_rebuild()
TemplateDetail.model_rebuild()
Token.model_rebuild()
Trigger.model_rebuild()
Usage.model_rebuild()
User.model_rebuild()
Validation.model_rebuild()
Variable.model_rebuild()
Version.model_rebuild()
VersionDetail.model_rebuild()
VersionDiff.model_rebuild()
VersionName.model_rebuild()
Welcome.model_rebuild()
Worker.model_rebuild()
