"""To be included at the root."""

from __future__ import annotations

from django.urls import path

from apps.accounts.pages import views

urlpatterns = [
    path("email/", views.email, name="email"),
    path("email/<str:token>/", views.follow, {"kind": views.EMAIL}, name="email-link"),
    path("password/", views.password_forgotten, name="password-forgotten"),
    path("password/new/", views.password_new, name="password-new"),
    path("password/<str:token>/", views.follow, {"kind": views.PASSWORD}, name="password-link"),
    path("register/", views.register, name="register"),
    path("register/new/", views.register_new, name="register-new"),
    path("register/<str:token>/", views.follow, {"kind": views.REGISTER}, name="register-link"),
    path("invitations/answer/", views.invitation, name="invitation"),
    path("invitations/<str:token>/", views.follow, {"kind": views.INVITATION}, name="invitation-link"),
]
