"""Pages of runs. To be included at the root."""

from __future__ import annotations

from django.urls import path

from apps.executions.pages import views

urlpatterns = [
    path("executions/", views.runs, name="execution-pages"),
    path("executions/<uuid:execution_id>/", views.live, name="execution-page"),
    path("executions/<uuid:execution_id>/cancel/", views.cancel, name="execution-page-cancel"),
    path("executions/<uuid:execution_id>/pause/", views.pause, name="execution-page-pause"),
    path("executions/<uuid:execution_id>/resume/", views.resume, name="execution-page-resume"),
    path("executions/<uuid:execution_id>/held/", views.held, name="execution-page-held"),
    path("executions/<uuid:execution_id>/approvals/", views.asked, name="execution-page-approvals"),
    path("executions/<uuid:execution_id>/approvals/<uuid:task_id>/", views.decide, name="execution-page-decide"),
    path("executions/<uuid:execution_id>/tasks.json", views.tasks, name="execution-page-tasks"),
]
