import pytest, time
from django.test import Client
from django.urls import reverse
from django.db import connection
from tests import factories
from orders.models import *
@pytest.mark.django_db
def test_many():
    owner=factories.user(); m=factories.merchant(owner); o=factories.order(m)
    cols=[f.column for f in Order._meta.concrete_fields if not f.primary_key]
    expr={"number":"'N' || g","name":"'Anna ' || g","placed_at":"placed_at - g * interval '1 minute'","status":"case when g % 1000 = 0 then 'reserved' else 'shipped' end"}
    with connection.cursor() as c:
        c.execute(f"INSERT INTO orders_order ({','.join(chr(34)+x+chr(34) for x in cols)}) SELECT {','.join(expr.get(x, chr(34)+x+chr(34)) for x in cols)} FROM orders_order, generate_series(1,500000) g")
        c.execute("INSERT INTO orders_hold (order_id,cause,subject,text,since) SELECT id,'phone','','x',now() FROM orders_order WHERE status='reserved'")
        c.execute("ANALYZE")
    cl=Client(); cl.force_login(owner); u=reverse("orders:list",args=[m.pk])
    for q in ({}, {"status":"waiting"},{"status":"shipped","page":"200"},{"q":"Anna 299999"},{"q":"N77777"},{"q":"nobody"},{"since":"2026-06-01"},{"cause":"phone"},{"asks":"cancel"}):
        t=time.monotonic(); r=cl.get(u,q); print("postgres", q, r.status_code, round(time.monotonic()-t,3), r.context["page"].paginator.count)
