"""Sessions, and the refresh tokens that keep those of the website going."""

import apps.core.ids
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from apps.core.db.together import together


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0003_tokens'),
    ]

    operations = together([
        migrations.CreateModel(
            name='SignInSession',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('scopes', models.JSONField(blank=True, default=list)),
                ('device', models.CharField(blank=True, max_length=200)),
                ('address', models.GenericIPAddressField(blank=True, null=True)),
                ('browser_key', models.CharField(blank=True, editable=False, max_length=64, null=True, unique=True)),
                ('generation', models.PositiveIntegerField(default=0, editable=False)),
                ('advanced_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('last_used_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('expires_at', models.DateTimeField(db_index=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('end_reason', models.CharField(blank=True, choices=[('signed_out', 'Signed Out'), ('revoked', 'Revoked'), ('reused', 'Reused'), ('password_changed', 'Password Changed'), ('replaced', 'Replaced')], max_length=20)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sign_in_sessions', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'session',
                'ordering': ('-last_used_at', '-id'),
                'indexes': [models.Index(fields=['user', '-last_used_at'], name='signin_session_of_user')],
                'constraints': [models.UniqueConstraint(fields=('id', 'user'), name='signin_session_and_user'), models.CheckConstraint(condition=models.Q(('end_reason__in', ['', 'signed_out', 'revoked', 'reused', 'password_changed', 'replaced'])), name='signin_session_end_reason'), models.CheckConstraint(condition=models.Q(models.Q(('end_reason', ''), ('ended_at', None)), models.Q(('ended_at__isnull', False), models.Q(('end_reason', ''), _negated=True)), _connector='OR'), name='signin_session_ends_for_a_reason')],
            },
        ),
        migrations.CreateModel(
            name='RefreshToken',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('hash', models.CharField(editable=False, max_length=64, unique=True)),
                ('generation', models.PositiveIntegerField(editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('session', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='refresh_tokens', to='signin.signinsession')),
            ],
            options={
                'ordering': ('-generation', '-id'),
            },
        ),
    ])
