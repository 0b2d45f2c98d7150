"""Workflows as n8n exports them, made up for tests."""

from __future__ import annotations

from typing import Any

BASE = "n8n-nodes-base."
CHAIN = "@n8n/n8n-nodes-langchain."


def node(
    name: str, kind: str, parameters: dict[str, Any] | None = None, *, version: float = 1, **more: Any
) -> dict[str, Any]:
    place = [100 + 220 * (len(name) % 7), 300]
    kind = kind if "." in kind else BASE + kind
    return {
        "id": name.lower(),
        "name": name,
        "type": kind,
        "typeVersion": version,
        "position": place,
        "parameters": parameters or {},
        **more,
    }


def flow(name: str, nodes: list[dict[str, Any]], *ways: tuple[Any, ...]) -> dict[str, Any]:
    """Ways are (source, target), (source, output, target) or (source, output, target, input); a text as output is a port."""
    connections: dict[str, Any] = {}
    for source, *rest in ways:
        output, target, entry = (0, rest[0], 0) if len(rest) == 1 else (*rest, 0)[:3]
        port, number = (output, 0) if isinstance(output, str) else ("main", output)
        outputs = connections.setdefault(source, {}).setdefault(port, [])
        while len(outputs) <= number:
            outputs.append([])
        outputs[number].append({"node": target, "type": port, "index": entry})
    return {
        "name": name,
        "nodes": nodes,
        "connections": connections,
        "settings": {"executionOrder": "v1"},
        "active": False,
    }


def if_form(left: Any, operation: str, right: Any, kind: str = "number") -> dict[str, Any]:
    test = {"leftValue": left, "rightValue": right, "operator": {"type": kind, "operation": operation}}
    return {"conditions": {"options": {"version": 2}, "conditions": [test], "combinator": "and"}}


def fields(**values: Any) -> dict[str, Any]:
    return {
        "assignments": {
            "assignments": [
                {"id": name, "name": name, "value": value, "type": "string"} for name, value in values.items()
            ]
        }
    }


GREETING = flow(
    "Greeting",
    [
        node("When clicking ‘Test workflow’", "manualTrigger"),
        node("Edit Fields", "set", fields(word="Hello", name="={{ $json.name }}"), version=3.4),
        node("Shout", "set", fields(text="={{ $json.word.toUpperCase() }}, {{ $json.name }}!"), version=3.4),
    ],
    ("When clicking ‘Test workflow’", "Edit Fields"),
    ("Edit Fields", "Shout"),
)
BRANCHES = flow(
    "Branches",
    [
        node("Webhook", "webhook", {"path": "orders", "httpMethod": "POST"}, version=2),
        node("Large?", "if", if_form("={{ $json.body.total }}", "gt", 100), version=2),
        node("Discount", "set", fields(total="={{ $json.body.total * 0.9 }}"), version=3.4),
        node("Full price", "set", fields(total="={{ $json.body.total }}"), version=3.4),
        node("Together", "merge", {}, version=3),
        node("Bill", "set", fields(text="Total: {{ $json.total }}", sum="={{ $json.total }}"), version=3.4),
    ],
    ("Webhook", "Large?"),
    ("Large?", 0, "Discount"),
    ("Large?", 1, "Full price"),
    ("Discount", 0, "Together", 0),
    ("Full price", 0, "Together", 1),
    ("Together", "Bill"),
)
ROUTES = flow(
    "Routes",
    [
        node("Start", "manualTrigger"),
        node(
            "Switch",
            "switch",
            {
                "rules": {"values": [if_form("={{ $json.kind }}", "equals", kind, "string") for kind in ("a", "b")]},
                "options": {"fallbackOutput": "extra"},
            },
            version=3,
        ),
        node("A", "set", fields(way="first"), version=3.4),
        node("B", "set", fields(way="second"), version=3.4),
        node("Else", "set", fields(way="other"), version=3.4),
        node("After", "noOp"),
    ],
    ("Start", "Switch"),
    ("Switch", 0, "A"),
    ("Switch", 1, "B"),
    ("Switch", 2, "Else"),
    ("A", "After"),
    ("B", "After"),
    ("Else", "After"),
)
OLD_SWITCH = flow(
    "Old switch",
    [
        node("Start", "start"),
        node(
            "Route",
            "switch",
            {
                "value1": '={{$json["size"]}}',
                "dataType": "number",
                "rules": {
                    "rules": [
                        {"operation": "larger", "value2": 5, "output": 0},
                        {"operation": "equal", "value2": 5, "output": 1},
                    ]
                },
                "fallbackOutput": 3,
            },
        ),
        node("Large", "set", {"values": {"string": [{"name": "is", "value": "large"}]}, "keepOnlySet": True}),
        node("Equal", "set", {"values": {"string": [{"name": "is", "value": "equal"}]}, "keepOnlySet": True}),
        node(
            "Small",
            "set",
            {
                "values": {"string": [{"name": "is", "value": "small"}], "boolean": [{"name": "odd", "value": True}]},
                "keepOnlySet": True,
            },
        ),
    ],
    ("Start", "Route"),
    ("Route", 0, "Large"),
    ("Route", 1, "Equal"),
    ("Route", 3, "Small"),
)
LOOP = flow(
    "Loop",
    [
        node("Start", "manualTrigger"),
        node("People", "set", {"mode": "raw", "jsonOutput": '[{"name": "Clara"}, {"name": "Fanny"}]'}, version=3.4),
        node("Loop Over Items", "splitInBatches", {"options": {}}, version=3),
        node("Greet", "set", fields(text="=Hello {{ $json.name }}"), version=3.4),
        node("Pause", "wait", {"amount": 0, "unit": "seconds"}, version=1.1),
        node("Count", "set", fields(how_many="={{ $json.length }}"), version=3.4),
    ],
    ("Start", "People"),
    ("People", "Loop Over Items"),
    ("Loop Over Items", 0, "Count"),
    ("Loop Over Items", 1, "Greet"),
    ("Greet", "Pause"),
    ("Pause", "Loop Over Items"),
)
OLD_LOOP = flow(
    "Old loop",
    [
        node("Start", "start"),
        node("SplitInBatches", "splitInBatches", {"batchSize": 10}),
        node("Work", "noOp"),
        node("Done", "noOp"),
    ],
    ("Start", "SplitInBatches"),
    ("SplitInBatches", 0, "Work"),
    ("Work", "SplitInBatches"),
    ("SplitInBatches", 1, "Done"),
)
CALLS = flow(
    "Calls",
    [
        node("Every morning", "scheduleTrigger", {"rule": {"interval": [{"triggerAtHour": 8}]}}, version=1.2),
        node(
            "Fetch",
            "httpRequest",
            {
                "url": "https://api.example.org/things",
                "sendQuery": True,
                "queryParameters": {"parameters": [{"name": "q", "value": "={{ $now }}"}]},
                "options": {"timeout": 5000},
            },
            version=4.2,
            retryOnFail=True,
            maxTries=4,
            waitBetweenTries=2000,
        ),
        node(
            "Post",
            "httpRequest",
            {
                "method": "POST",
                "url": "=https://api.example.org/things/{{ $json.id }}",
                "authentication": "genericCredentialType",
                "sendHeaders": True,
                "headerParameters": {"parameters": [{"name": "X-From", "value": "n8n"}]},
                "sendBody": True,
                "specifyBody": "json",
                "jsonBody": '={\n  "title": "{{ $json.title }}",\n  "tags": ["a", "{{ $json.tag }}"]\n}',
            },
            version=4.2,
            onError="continueErrorOutput",
        ),
        node(
            "Form",
            "httpRequest",
            {
                "method": "PUT",
                "url": "https://api.example.org/form",
                "sendBody": True,
                "contentType": "form-urlencoded",
                "bodyParameters": {"parameters": [{"name": "a", "value": "={{ $('Fetch').item.json.id }}"}]},
            },
            version=4.2,
        ),
        node("Failed", "stopAndError", {"errorMessage": "=Could not post {{ $('Fetch').first().json.id }}"}),
    ],
    ("Every morning", "Fetch"),
    ("Fetch", "Post"),
    ("Post", 0, "Form"),
    ("Post", 1, "Failed"),
)
OLD_CALL = flow(
    "Old call",
    [
        node("Start", "start"),
        node(
            "HTTP Request",
            "httpRequest",
            {
                "requestMethod": "POST",
                "url": "https://example.org/x",
                "jsonParameters": True,
                "bodyParametersJson": '{"a": 1}',
                "queryParametersUi": {"parameter": [{"name": "p", "value": "1"}]},
                "options": {},
            },
        ),
    ],
    ("Start", "HTTP Request"),
)
CHAT = flow(
    "Chat",
    [
        node("When chat message received", CHAIN + "chatTrigger", {"options": {}}, version=1.1),
        node("AI Agent", CHAIN + "agent", {"options": {"systemMessage": "You are a careful reviewer."}}, version=1.6),
        node(
            "Anthropic Chat Model",
            CHAIN + "lmChatAnthropic",
            {"model": {"__rl": True, "value": "claude-sonnet-4-5"}},
            version=1.3,
        ),
        node("Window Buffer Memory", CHAIN + "memoryBufferWindow", {}, version=1.2),
        node("Keep", "set", fields(answer="={{ $json.output }}"), version=3.4),
    ],
    ("When chat message received", "AI Agent"),
    ("Anthropic Chat Model", "ai_languageModel", "AI Agent"),
    ("Window Buffer Memory", "ai_memory", "AI Agent"),
    ("AI Agent", "Keep"),
)
MODELS = flow(
    "Models",
    [
        node("Start", "manualTrigger"),
        node(
            "Gemini",
            CHAIN + "googleGemini",
            {
                "modelId": {"__rl": True, "value": "models/gemini-2.5-flash"},
                "messages": {"values": [{"content": "=Translate {{ $json.text }}"}]},
            },
        ),
        node(
            "OpenAI",
            CHAIN + "openAi",
            {
                "modelId": {"value": "gpt-4o"},
                "messages": {"values": [{"role": "system", "content": "Be brief."}, {"content": "={{ $json.text }}"}]},
            },
            version=1.8,
        ),
        node(
            "Claude",
            CHAIN + "anthropic",
            {
                "modelId": {"value": "claude-haiku-4-5"},
                "messages": {"values": [{"content": "={{ $('OpenAI').item.json.message.content }}"}]},
            },
        ),
        node(
            "Basic LLM Chain",
            CHAIN + "chainLlm",
            {"promptType": "define", "text": "=Judge: {{ $json.content[0].text }}"},
            version=1.5,
        ),
        node("Google Gemini Chat Model", CHAIN + "lmChatGoogleGemini", {"modelName": "models/gemini-2.5-pro"}),
    ],
    ("Start", "Gemini"),
    ("Gemini", "OpenAI"),
    ("OpenAI", "Claude"),
    ("Claude", "Basic LLM Chain"),
    ("Google Gemini Chat Model", "ai_languageModel", "Basic LLM Chain"),
)
PROGRAMS = flow(
    "Programs",
    [
        node("Start", "manualTrigger"),
        node(
            "Python",
            "code",
            {
                "language": "python",
                "pythonCode": "total = 0\nfor item in _items:\n    total += item['json']['n']\nreturn {'total': total}",
            },
            version=2,
        ),
        node("JavaScript", "code", {"jsCode": "return items.map(i => ({json: {n: i.json.n * 2}}));"}, version=2),
        node("Function", "function", {"functionCode": "return items;"}),
        node("After", "noOp"),
    ],
    ("Start", "Python"),
    ("Start", "JavaScript"),
    ("JavaScript", "Function"),
    ("Function", "After"),
)
NESTED = flow(
    "Nested",
    [
        node("Called", "executeWorkflowTrigger"),
        node(
            "Run other",
            "executeWorkflow",
            {
                "workflowId": {"__rl": True, "value": "k3", "cachedResultName": "Send a bill"},
                "workflowInputs": {"mappingMode": "defineBelow", "value": {"to": "={{ $json.mail }}", "sum": 3}},
            },
            version=1.2,
        ),
        node("By id", "executeWorkflow", {"workflowId": "17", "source": "database"}),
    ],
    ("Called", "Run other"),
    ("Run other", "By id"),
)
ANSWERS = flow(
    "Answers",
    [
        node("Webhook", "webhook", {"path": "x", "responseMode": "responseNode"}, version=2),
        node("Wait for pay", "wait", {"resume": "webhook"}, version=1.1),
        node("Until", "wait", {"resume": "specificTime", "dateTime": "2020-01-01T00:00:00.000Z"}, version=1.1),
        node(
            "Respond",
            "respondToWebhook",
            {"respondWith": "json", "responseBody": '={ "ok": true, "who": "{{ $("Webhook").item.json.body.who }}" }'},
            version=1.1,
        ),
    ],
    ("Webhook", "Wait for pay"),
    ("Wait for pay", "Until"),
    ("Until", "Respond"),
)
LISTS = flow(
    "Lists",
    [
        node("Start", "manualTrigger"),
        node("Split Out", "splitOut", {"fieldToSplitOut": "orders", "options": {}}),
        node(
            "Dearest first",
            "sort",
            {"sortFieldsUi": {"sortField": [{"fieldName": "price", "order": "descending"}, {"fieldName": "name"}]}},
        ),
        node("Remove Duplicates", "removeDuplicates", {"compare": "selectedFields", "fieldsToCompare": "name"}),
        node("Limit", "limit", {"maxItems": 2}),
        node("Tell", "set", fields(first="={{ $json[0].name }}", count="={{ $json.length }}"), version=3.4),
    ],
    ("Start", "Split Out"),
    ("Split Out", "Dearest first"),
    ("Dearest first", "Remove Duplicates"),
    ("Remove Duplicates", "Limit"),
    ("Limit", "Tell"),
)
FILTERED = flow(
    "Filtered",
    [
        node("Start", "manualTrigger"),
        node("Only mail", "filter", if_form("={{ $json.mail }}", "contains", "@", "string"), version=2),
        node(
            "Send",
            "emailSend",
            {"toEmail": "={{ $json.mail }}", "subject": "Hi"},
            version=2.1,
            credentials={"smtp": {"id": "1", "name": "secret mail"}},
        ),
        node("Note to self", "stickyNote", {"content": "Nothing to run."}),
        node("Off", "noOp", {}, disabled=True),
        node("End", "noOp"),
    ],
    ("Start", "Only mail"),
    ("Only mail", "Send"),
    ("Only mail", "Off"),
    ("Off", "End"),
)
MERGES = flow(
    "Merges",
    [
        node("Start", "manualTrigger"),
        node("Left", "set", fields(a="1"), version=3.4),
        node("Right", "set", fields(b="2"), version=3.4),
        node("Combine", "merge", {"mode": "combine", "combineBy": "combineByPosition"}, version=3),
        node("Append", "merge", {"mode": "append"}, version=3),
        node(
            "Tell",
            "set",
            fields(text="={{ $json.a }}{{ $json.b }}", list="={{ $('Append').item.json.length }}"),
            version=3.4,
        ),
    ],
    ("Start", "Left"),
    ("Start", "Right"),
    ("Left", 0, "Combine", 0),
    ("Right", 0, "Combine", 1),
    ("Left", 0, "Append", 0),
    ("Right", 0, "Append", 1),
    ("Combine", "Tell"),
    ("Append", 0, "Tell", 1),
)
OLD_IF = flow(
    "Old if",
    [
        node("Start", "start"),
        node(
            "IF",
            "if",
            {
                "conditions": {
                    "string": [{"value1": '={{$node["Start"].json["a b"]}}', "operation": "startsWith", "value2": "x"}],
                    "boolean": [{"value1": "={{$json.sure}}", "value2": True}],
                    "number": [{"value1": 3, "operation": "smallerEqual", "value2": -1}],
                },
                "combineOperation": "any",
            },
        ),
        node("Yes", "noOp"),
        node("No", "noOp"),
    ],
    ("Start", "IF"),
    ("IF", 0, "Yes"),
    ("IF", 1, "No"),
)
NESTED_LOOPS = flow(
    "Loops in loops",
    [
        node("Start", "manualTrigger"),
        node("Outer", "splitInBatches", {}, version=3),
        node("Inner", "splitInBatches", {}, version=3),
        node("Say", "set", fields(text="={{ $json.word }}"), version=3.4),
        node("Log", "slack", {"text": "never"}),
        node("End", "noOp"),
    ],
    ("Start", "Outer"),
    ("Outer", 0, "End"),
    ("Outer", 1, "Inner"),
    ("Inner", 0, "Outer"),
    ("Inner", 1, "Say"),
    ("Say", "Inner"),
    ("Say", "Log"),
)
CIRCLE = flow(
    "Circle",
    [
        node("Start", "manualTrigger"),
        node("A", "noOp"),
        node("B", "if", if_form("={{ $json.tries }}", "lt", 3), version=2),
        node("C", "noOp"),
    ],
    ("Start", "A"),
    ("A", "B"),
    ("B", 0, "A"),
    ("B", 1, "C"),
)
ALL = (GREETING, BRANCHES, ROUTES, OLD_SWITCH, LOOP, OLD_LOOP, CALLS, OLD_CALL, CHAT, MODELS, PROGRAMS, NESTED, ANSWERS,
       LISTS, FILTERED, MERGES, OLD_IF, NESTED_LOOPS, CIRCLE)  # fmt: skip
