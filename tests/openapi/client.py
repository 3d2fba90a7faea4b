"""A program of somebody who knows nothing of NeuroLink but the client that openapi-python-client made from its description.

Arguments: the base address, a producer's token, the token of nadia, to whom a rule tells it. Prints what it learned as JSON.
"""

import json
import sys
import time

from neurolink import AuthenticatedClient
from neurolink.api.events import create_event
from neurolink.api.notifications import count_notifications, get_notification, list_notifications, read_notification
from neurolink.models import NewEvent, NewEventPayload, Notification, Problem

base, producers, nadias = sys.argv[1:]
erp = AuthenticatedClient(base_url=base, token=producers)
nadia = AuthenticatedClient(base_url=base, token=nadias)

payload = NewEventPayload.from_dict({"invoice_number": "INV-88101", "days_overdue": 12})
event = NewEvent(source_module="invoicing", event_type="invoice.overdue", payload=payload, idempotency_key="once", branch_id="BGD")
first = create_event.sync_detailed(client=erp, body=event)
again = create_event.sync_detailed(client=erp, body=event)

# The pipeline needs a moment.
deadline = time.monotonic() + 20
while not (items := list_notifications.sync(client=nadia).items) and time.monotonic() < deadline:
    time.sleep(0.02)
told = items[0]
assert isinstance(told, Notification), told
read = read_notification.sync(client=nadia, id=told.id)
refused = create_event.sync(client=nadia, body=event)
assert isinstance(refused, Problem), refused
missing = get_notification.sync(client=erp, id=told.id)
assert isinstance(missing, Problem), missing

json.dump(
    {
        "created": [int(first.status_code), int(again.status_code), first.parsed.id == again.parsed.id == told.event_id],
        "title": told.title,
        "severity": told.severity.value,
        "was_unread": told.read_at is None,
        "is_read": read.read_at is not None,
        "unread": count_notifications.sync(client=nadia).unread,
        "refused": refused.code,
        "missing": missing.code,
    },
    sys.stdout,
)
