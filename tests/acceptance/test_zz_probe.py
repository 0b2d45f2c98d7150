import pytest
from django.db import connection
@pytest.mark.django_db
def test_a(web_role):
    with connection.cursor() as c:
        c.execute("select current_user, session_user"); print(c.fetchall())
@pytest.mark.django_db(transaction=True)
def test_b(worker_role, test_database_urls):
    with connection.cursor() as c:
        c.execute("select current_user, session_user"); print(c.fetchall())
    print(test_database_urls)
