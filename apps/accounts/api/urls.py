"""To be included under `api/v1/`."""

from __future__ import annotations

from apps.accounts.api.doors import (
    AcceptInvitationView,
    CompleteRegistrationView,
    ConfirmEmailView,
    DeclineInvitationView,
    RegisterInvitedView,
    RegisterView,
    RequestResetView,
    ResetView,
    ShowInvitationView,
)
from apps.accounts.api.members import (
    InvitationBulkView,
    InvitationListView,
    InvitationView,
    MemberListView,
    MemberView,
    ResendView,
)
from apps.accounts.api.organizations import (
    DeactivateView,
    LeaveView,
    OrganizationListView,
    OrganizationView,
    TransferView,
)
from apps.accounts.api.people import (
    AcceptReceivedView,
    DeclineReceivedView,
    EmailView,
    EraseView,
    ExportView,
    MeView,
    PasswordView,
    PersonView,
    ReceivedInvitationsView,
    VerificationView,
)
from apps.accounts.api.teams import TeamListView, TeamMemberListView, TeamMemberView, TeamView
from apps.accounts.api.tokens import TokenListView, TokenView
from apps.core.api.routes import route

ONE = "organizations/<uuid:organization_id>/"
TEAM = f"{ONE}teams/<uuid:team_id>/"

urlpatterns = [
    *route("users/", RegisterView, "users"),
    *route("users/registration/", CompleteRegistrationView, "users-registration"),
    *route("users/email/", ConfirmEmailView, "users-email"),
    *route("users/password/", RequestResetView, "users-password"),
    *route("users/password/reset/", ResetView, "users-password-reset"),
    *route("users/me/", MeView, "users-me"),
    *route("users/me/password/", PasswordView, "users-me-password"),
    *route("users/me/email/", EmailView, "users-me-email"),
    *route("users/me/email/verification/", VerificationView, "users-me-verification"),
    *route("users/me/export/", ExportView, "users-me-export"),
    *route("users/me/erase/", EraseView, "users-me-erase"),
    *route("users/me/invitations/", ReceivedInvitationsView, "users-me-invitations"),
    *route("users/me/invitations/<uuid:invitation_id>/accept/", AcceptReceivedView, "users-me-accept"),
    *route("users/me/invitations/<uuid:invitation_id>/decline/", DeclineReceivedView, "users-me-decline"),
    *route("users/<str:username>/", PersonView, "person"),
    *route("organizations/", OrganizationListView, "organizations"),
    *route(ONE, OrganizationView, "organization"),
    *route(f"{ONE}deactivate/", DeactivateView, "organization-deactivate"),
    *route(f"{ONE}leave/", LeaveView, "organization-leave"),
    *route(f"{ONE}transfer/", TransferView, "organization-transfer"),
    *route(f"{ONE}members/", MemberListView, "organization-members"),
    *route(f"{ONE}members/<uuid:member_id>/", MemberView, "organization-member"),
    *route(f"{ONE}invitations/", InvitationListView, "organization-invitations"),
    *route(f"{ONE}invitations/bulk/", InvitationBulkView, "organization-invitations-bulk"),
    *route(f"{ONE}invitations/<uuid:invitation_id>/", InvitationView, "organization-invitation"),
    *route(f"{ONE}invitations/<uuid:invitation_id>/resend/", ResendView, "organization-invitation-resend"),
    *route(f"{ONE}teams/", TeamListView, "teams"),
    *route(TEAM, TeamView, "team"),
    *route(f"{TEAM}members/", TeamMemberListView, "team-members"),
    *route(f"{TEAM}members/<uuid:member_id>/", TeamMemberView, "team-member"),
    *route("invitations/show/", ShowInvitationView, "invitation-show"),
    *route("invitations/accept/", AcceptInvitationView, "invitation-accept"),
    *route("invitations/decline/", DeclineInvitationView, "invitation-decline"),
    *route("invitations/register/", RegisterInvitedView, "invitation-register"),
    *route("tokens/", TokenListView, "tokens"),
    *route("tokens/<uuid:token_id>/", TokenView, "token"),
]
