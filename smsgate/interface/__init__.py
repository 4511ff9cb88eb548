"""Operations: what can be asked of smsgate, defined once and offered everywhere.

A feature's ``operations.py`` has a function for each, with a typed request and a typed result::

    class RowChoice(msgspec.Struct, forbid_unknown_fields=True):
        id: Annotated[str, msgspec.Meta(description="The id that the list shows.")]

    @operation(
        "POST /replies/<id>/retry", command="replies retry <id>", role="agent", status=202,
        example={"id": "3-1795534079000-0"}, audit="retried a reply",
        done="Reply {id} queued again.", problems={404: "No failed reply has that id."},
    )
    def retry_reply(
        context: Context, request: RowChoice, store: Store, job_queue: JobQueue
    ) -> ChangedRow:
        \"\"\"Send a failed reply again.\"\"\"

    OPERATIONS = (retry_reply,)
    PAGES = (ListPage(path="/console/replies", title="Replies", operation=list_replies, …),)

From it come the endpoint of ``/v1`` and its OpenAPI (``endpoints.py``, ``openapi.py``), the command
with ``--json``, ``--help`` and its example (``commands.py``), and list pages with filters, paging,
CSV and actions (``pages.py``). What else a function takes, such as the store, it names as
parameters with their types, and is handed the parts that the process made (``parts.py``), as are
``register`` of a module with pages and ``ListPage.notices``. The caller is known:
``context.actor()`` is the name for the record, ``context.caller.may(program)`` says whether a key
is for a program. A function raises an ``SmsGateError`` for what cannot be done, and each of the
three shows its sentence in its own way.

In a path and in a command ``<id>`` is the field ``id`` of the request. Other fields are the query
of GET, PUT and DELETE, the JSON body of POST, and options of the command.
"""
