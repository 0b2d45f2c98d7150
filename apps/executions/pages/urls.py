"""Pages of runs. To be included at the root."""

from __future__ import annotations

from django.urls import path

from apps.executions.pages import views

urlpatterns = [
    path("executions/", views.runs, name="executions"),
    path("executions/<uuid:execution_id>/", views.live, name="execution"),
    path("executions/<uuid:execution_id>/cancel/", views.cancel, name="execution-cancel"),
    path("executions/<uuid:execution_id>/tasks.json", views.tasks, name="execution-tasks"),
    path("executions/<uuid:execution_id>/tasks/<int:number>.json", views.task, name="execution-task"),
    path("executions/<uuid:execution_id>/artifacts/<uuid:artifact_id>", views.artifact, name="execution-artifact"),
]
