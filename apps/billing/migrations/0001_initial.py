"""Plans, subscriptions, invoices, the ledger, what providers sent."""

import apps.billing.models.plans
import apps.core.ids
import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

from apps.core.db.together import together


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0003_tokens'),
        ('accounts', '__first__'),
    ]

    operations = together([
        migrations.CreateModel(
            name='Invoice',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('provider', models.CharField(default='manual', max_length=20)),
                ('provider_invoice_id', models.CharField(blank=True, max_length=255)),
                ('provider_seen_at', models.DateTimeField(blank=True, null=True)),
                ('number', models.CharField(max_length=100)),
                ('status', models.CharField(choices=[('open', 'Open'), ('paid', 'Paid'), ('void', 'Void'), ('uncollectible', 'Uncollectible')], default='open', max_length=13)),
                ('currency', models.CharField(max_length=3)),
                ('total', models.BigIntegerField()),
                ('credit_applied', models.BigIntegerField(default=0)),
                ('amount_due', models.BigIntegerField()),
                ('amount_paid', models.BigIntegerField(default=0)),
                ('lines', models.JSONField(blank=True, default=list, help_text='Descriptions with their amounts.')),
                ('period_start', models.DateTimeField(blank=True, null=True)),
                ('period_end', models.DateTimeField(blank=True, null=True)),
                ('due_at', models.DateTimeField(blank=True, null=True)),
                ('hosted_url', models.TextField(blank=True, max_length=2000)),
                ('issued_at', models.DateTimeField()),
                ('paid_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='invoices', to='accounts.organization')),
            ],
            options={
                'ordering': ('-issued_at', '-id'),
                'indexes': [models.Index(fields=['organization', '-issued_at', '-id'], name='invoice_newest')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('provider_invoice_id', ''), _negated=True), fields=('provider', 'provider_invoice_id'), name='invoice_of_one_provider_id'), models.UniqueConstraint(fields=('organization', 'id'), name='invoice_of_organization'), models.CheckConstraint(condition=models.Q(('status__in', ['open', 'paid', 'void', 'uncollectible'])), name='invoice_status'), models.CheckConstraint(condition=models.Q(('amount_due__gte', 0), ('amount_paid__gte', 0)), name='invoice_amounts'), models.CheckConstraint(condition=models.Q(('amount_due', django.db.models.expressions.CombinedExpression(models.F('total'), '-', models.F('credit_applied')))), name='invoice_due'), models.CheckConstraint(condition=models.Q(('amount_paid__lte', models.F('amount_due'))), name='invoice_paid_at_most_once')],
            },
        ),
        migrations.CreateModel(
            name='LedgerAccount',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('receivable', 'Receivable'), ('credit', 'Credit'), ('cash', 'Cash'), ('revenue', 'Revenue')], max_length=10)),
                ('currency', models.CharField(max_length=3)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'kind', 'currency'), name='ledger_account_once'), models.UniqueConstraint(fields=('organization', 'id'), name='ledger_account_of_organization'), models.CheckConstraint(condition=models.Q(('kind__in', ['receivable', 'credit', 'cash', 'revenue'])), name='ledger_account_kind')],
            },
        ),
        migrations.CreateModel(
            name='LedgerEntry',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('reference', models.CharField(max_length=200)),
                ('description', models.CharField(max_length=300)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('invoice', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='billing.invoice')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'ordering': ('-id',),
                'constraints': [models.UniqueConstraint(fields=('organization', 'reference'), name='ledger_entry_booked_once'), models.UniqueConstraint(fields=('organization', 'id'), name='ledger_entry_of_organization')],
            },
        ),
        migrations.CreateModel(
            name='LedgerPosting',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('amount', models.BigIntegerField()),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='billing.ledgeraccount')),
                ('entry', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='postings', to='billing.ledgerentry')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
            ],
            options={
                'ordering': ('id',),
                'constraints': [models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='ledger_posting_of_something'), models.UniqueConstraint(fields=('entry', 'account'), name='ledger_posting_once_per_account')],
            },
        ),
        migrations.CreateModel(
            name='Payment',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('provider', models.CharField(default='manual', max_length=20)),
                ('provider_payment_id', models.CharField(blank=True, max_length=255)),
                ('amount', models.BigIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('method', models.CharField(blank=True, max_length=50)),
                ('reference', models.CharField(blank=True, help_text='What the bank statement says.', max_length=200)),
                ('received_at', models.DateTimeField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('invoice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='billing.invoice')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payments', to='accounts.organization')),
                ('recorded_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-received_at', '-id'),
                'constraints': [models.UniqueConstraint(condition=models.Q(('provider_payment_id', ''), _negated=True), fields=('provider', 'provider_payment_id'), name='payment_of_one_provider_id'), models.UniqueConstraint(fields=('organization', 'id'), name='payment_of_organization'), models.CheckConstraint(condition=models.Q(('amount', 0), _negated=True), name='payment_of_something')],
            },
        ),
        migrations.AddField(
            model_name='ledgerentry',
            name='payment',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='entries', to='billing.payment'),
        ),
        migrations.CreateModel(
            name='Plan',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100)),
                ('description', models.TextField(blank=True, max_length=2000)),
                ('tier', models.CharField(choices=[('free', 'Free'), ('basic', 'Basic'), ('pro', 'Pro'), ('enterprise', 'Enterprise')], max_length=20)),
                ('price', models.DecimalField(decimal_places=3, max_digits=12, validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(100000000)])),
                ('currency', models.CharField(default='usd', max_length=3, validators=[django.core.validators.RegexValidator('^[a-z]{3}$', 'Three lower-case letters, such as usd.')])),
                ('billing_period', models.CharField(choices=[('monthly', 'Monthly'), ('yearly', 'Yearly')], default='monthly', max_length=7)),
                ('features', models.JSONField(blank=True, default=dict, help_text='Limits that differ from those of the tier, such as {"seats": 25, "max_projects": null} (null: no limit), and flags or texts for the price list.', validators=[apps.billing.models.plans.check_features])),
                ('provider_price_ids', models.JSONField(blank=True, default=dict, help_text='What payment providers call it, such as {"stripe": "price_…"}.')),
                ('active', models.BooleanField(default=True, help_text='Whether it can be chosen. Subscriptions to it go on.')),
                ('position', models.PositiveSmallIntegerField(default=0, help_text='Its place in the price list.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'ordering': ('position', 'price', 'id'),
                'constraints': [models.UniqueConstraint(fields=('name', 'billing_period'), name='plan_name_once_per_rhythm'), models.CheckConstraint(condition=models.Q(('tier__in', ['free', 'basic', 'pro', 'enterprise'])), name='plan_tier'), models.CheckConstraint(condition=models.Q(('price__gte', 0)), name='plan_price_not_negative'), models.CheckConstraint(condition=models.Q(('currency__regex', '^[a-z]{3}$')), name='plan_currency'), models.CheckConstraint(condition=models.Q(('billing_period__in', ['monthly', 'yearly'])), name='plan_billing_period')],
            },
        ),
        migrations.CreateModel(
            name='Subscription',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('status', models.CharField(choices=[('incomplete', 'Incomplete'), ('active', 'Active'), ('past_due', 'Past Due'), ('cancelled', 'Cancelled'), ('expired', 'Expired')], default='incomplete', max_length=10)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('anchor', models.DateTimeField(blank=True, null=True)),
                ('current_period_start', models.DateTimeField(blank=True, null=True)),
                ('current_period_end', models.DateTimeField(blank=True, null=True)),
                ('cancel_at_period_end', models.BooleanField(default=False)),
                ('cancelled_at', models.DateTimeField(blank=True, null=True)),
                ('fallback_tier', models.CharField(choices=[('free', 'Free'), ('basic', 'Basic'), ('pro', 'Pro'), ('enterprise', 'Enterprise')], default='free', max_length=20)),
                ('payment_info', models.JSONField(blank=True, default=dict, help_text='Kind, brand, last four digits and expiry of what pays; never a number.')),
                ('provider', models.CharField(default='manual', max_length=20)),
                ('provider_subscription_id', models.CharField(blank=True, max_length=255)),
                ('provider_seen_at', models.DateTimeField(blank=True, null=True)),
                ('checkout_id', models.CharField(blank=True, max_length=255)),
                ('checkout_url', models.TextField(blank=True, max_length=2000)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='subscriptions', to='accounts.organization')),
                ('plan', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='subscriptions', to='billing.plan')),
            ],
            options={
                'ordering': ('-id',),
                'indexes': [models.Index(condition=models.Q(('status__in', ('active', 'past_due'))), fields=['current_period_end'], name='subscription_due'), models.Index(fields=['organization', '-id'], name='subscription_newest')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ('active', 'past_due'))), fields=('organization',), name='subscription_one_live_per_organization'), models.UniqueConstraint(condition=models.Q(('status', 'incomplete')), fields=('organization',), name='subscription_one_begun_per_organization'), models.UniqueConstraint(condition=models.Q(('provider_subscription_id', ''), _negated=True), fields=('provider', 'provider_subscription_id'), name='subscription_of_one_provider_id'), models.UniqueConstraint(fields=('organization', 'id'), name='subscription_of_organization'), models.CheckConstraint(condition=models.Q(('status__in', ['incomplete', 'active', 'past_due', 'cancelled', 'expired'])), name='subscription_status'), models.CheckConstraint(condition=models.Q(('fallback_tier__in', ['free', 'basic', 'pro', 'enterprise'])), name='subscription_tier'), models.CheckConstraint(condition=models.Q(models.Q(('current_period_end', None), ('current_period_start', None)), models.Q(('current_period_end__gt', models.F('current_period_start')), ('current_period_start__isnull', False)), _connector='OR'), name='subscription_period'), models.CheckConstraint(condition=models.Q(models.Q(('status__in', ('active', 'past_due')), _negated=True), models.Q(('anchor__isnull', False), ('current_period_end__isnull', False), ('ended_at__isnull', True), ('started_at__isnull', False)), _connector='OR'), name='subscription_live_has_period'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', False), ('status__in', ('cancelled', 'expired'))), models.Q(models.Q(('status__in', ('cancelled', 'expired')), _negated=True), ('ended_at', None)), _connector='OR'), name='subscription_over_has_end'), models.CheckConstraint(condition=models.Q(('payment_info__has_any_keys', ['number', 'cvc', 'card', 'token']), _negated=True), name='subscription_no_card_data')],
            },
        ),
        migrations.AddField(
            model_name='invoice',
            name='subscription',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='invoices', to='billing.subscription'),
        ),
        migrations.CreateModel(
            name='WebhookEvent',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('provider', models.CharField(max_length=20)),
                ('provider_event_id', models.CharField(max_length=255)),
                ('kind', models.CharField(max_length=100)),
                ('happened_at', models.DateTimeField()),
                ('payload', models.JSONField()),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('done', 'Done'), ('ignored', 'Ignored'), ('failed', 'Failed')], default='waiting', max_length=8)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('deliveries', models.PositiveIntegerField(default=1)),
                ('note', models.TextField(blank=True, max_length=2000)),
                ('received_at', models.DateTimeField(auto_now_add=True)),
                ('processed_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ('-id',),
                'indexes': [models.Index(condition=models.Q(('state__in', ('waiting', 'failed'))), fields=['received_at'], name='webhook_event_open')],
                'constraints': [models.UniqueConstraint(fields=('provider', 'provider_event_id'), name='webhook_event_once'), models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'done', 'ignored', 'failed'])), name='webhook_event_state')],
            },
        ),
        migrations.CreateModel(
            name='BillingCustomer',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('provider', models.CharField(max_length=20)),
                ('provider_customer_id', models.CharField(max_length=255)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='billing_customers', to='accounts.organization')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'provider'), name='billing_customer_once_per_provider'), models.UniqueConstraint(fields=('provider', 'provider_customer_id'), name='billing_customer_of_one')],
            },
        ),
    ])
