# One image for every process of Symphony; docker-compose.yml says which one a container is.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=symphony.settings \
    MALLOC_ARENA_MAX=2 \
    SYMPHONY_HOME=/var/lib/symphony

RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/symphony symphony
WORKDIR /srv/symphony

COPY requirements.txt requirements-dev.txt ./
# The SDKs of model providers; without one of them its steps cannot ask real models.
ARG PROVIDERS="anthropic google-genai"
RUN pip install --no-cache-dir --requirement requirements.txt \
    && pip install --no-cache-dir --constraint requirements-dev.txt ${PROVIDERS}

COPY manage.py pyproject.toml ./
COPY apps apps
COPY workers workers
COPY symphony symphony
COPY examples examples

USER symphony
VOLUME /var/lib/symphony
EXPOSE 8000 5555
CMD ["uvicorn", "symphony.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--no-access-log", "--no-proxy-headers"]
