"""From a document to a state machine in the Amazon States Language, with JSONata. Pure.

Each block is a task that hands itself, by its id, to the workflows function. What flows from state
to state is small: the execution's id and which try of it this is (`attempt`), the row it is in
(`at`), and what the last task came to (`outcome`); everything else is in the runs table. The
function answers `outcome`: `done`, `wait` (do it again after `wait_seconds`), `failed`, or where
the path branches the name of the branch.

What is done goes straight on, and costs one transition: the task's output is an expression that
fails for any other outcome, and the task's Catch leads to a second task. That asks the block again
what came of it (`again`: what failed in this try is not done anew), with a choice behind it. Where
a path branches anyhow, the choice follows at once.

What a function that died came to cannot be noted by itself: `lost` goes along to the next task. A
list of blocks within a block never fails, for that would stop the rows or branches beside it: it
comes to 0, or to 1 where it failed, and the block that it is in to the sum.

Fields and limits: https://states-language.net and the developer guide of Step Functions (state-map,
state-parallel, concepts-error-handling, service-quotas), 2026-11.
"""

from collections.abc import Mapping
from typing import Any

from rollcall.workflows.document import (
    END,
    ApprovalBlock,
    Block,
    DecisionBlock,
    Document,
    EndBlock,
    ForEachBlock,
    GoTo,
    ParallelBlock,
    WaitBlock,
    WorkflowBlock,
    duration,
)
from rollcall.workflows.graph import Graph, Scope

State = dict[str, Any]
States = dict[str, State]
LONGEST_SECONDS = 31_536_000
"""An execution may take a year."""
TASK_SECONDS = 150
"""The workflows function ends first."""
_RETRY = [
    # An expression that fails on purpose is no accident, nor is a deadline.
    {"ErrorEquals": ["States.QueryEvaluationError", "States.Timeout"], "MaxAttempts": 0},
    {
        # About half a day. Each try is three events or so, of the 25,000 of a history.
        "ErrorEquals": ["Lambda.TooManyRequestsException"],
        "IntervalSeconds": 1,
        "BackoffRate": 1.5,
        "MaxAttempts": 4000,
        "MaxDelaySeconds": 20,
        "JitterStrategy": "FULL",
    },
    {
        "ErrorEquals": ["States.ALL"],
        "IntervalSeconds": 2,
        "BackoffRate": 2,
        "MaxAttempts": 3,
        "MaxDelaySeconds": 60,
        "JitterStrategy": "FULL",
    },
]
_INVOKE = "arn:aws:states:::lambda:invoke"
_ANSWER, _TOLD = "$states.result.Payload", "$states.result"
"""What the function answers, and what it tells later with the task's token."""
_INPUT = "{% $states.input %}"


def compiled(document: Document, function_arn: str) -> dict[str, Any]:
    """The state machine of a document in which `check` found nothing wrong.

    Its input is `{"execution": id, "at": "", "attempt": number}`.
    """
    graph = Graph(document)
    return {
        "Comment": document.name if document.name.isascii() else "A workflow of Rollcall",
        "QueryLanguage": "JSONata",
        "TimeoutSeconds": LONGEST_SECONDS,
        **_Machine(graph, function_arn).scope(graph.scopes[0]),
    }


class _Machine:
    """Makes the states of one document. Names are unique in the whole machine: block ids are, and
    what a list needs beside its blocks is named after the block it is in.
    """

    def __init__(self, graph: Graph, function_arn: str) -> None:
        self._graph = graph
        self._function = function_arn

    def scope(self, scope: Scope) -> dict[str, Any]:
        """The states of a list of blocks: where it starts, and all of them with its ends."""
        states: States = {}
        for block in scope.blocks:
            states |= self._block(scope, block)
        ends = self._ends(scope)
        while missing := {name for one in states.values() for name in targets(one)} - states.keys():
            states |= {name: ends[name] for name in sorted(missing)}
        return {"StartAt": scope.blocks[0].id, "States": states}

    def _block(self, scope: Scope, block: Block) -> States:
        match block:
            case WaitBlock():
                states = self._wait(scope, block)
            case ForEachBlock():
                states = self._for_each(scope, block)
            case ParallelBlock():
                states = self._parallel(scope, block)
            case DecisionBlock():
                states = self._decision(scope, block)
            case ApprovalBlock():
                states = self._approval(scope, block)
            case WorkflowBlock(wait=True):
                states = self._told(scope, block)
            case EndBlock():
                states = self._end(scope, block)
            case _:
                following = scope.after(block)
                way = _way(scope, following)
                states = self._asked(scope, block, way, _place(scope, following))
        return states

    def _asked(self, scope: Scope, block: Block, way: State, place: str) -> States:
        """A task that goes on if the block is done: its `way`, to `place`. Else it is asked again,
        and waits as long as it says.
        """
        error = self._error(scope, block)
        again, waits = f"{block.id} again", f"{block.id} waits"
        result = "0" if "End" in way else _ANSWER
        done = f'{_ANSWER}.outcome = "done" ? {result} : $error("it is not done")'
        first = {**self._task(block, error), "Output": f"{{% {done} %}}", **way}
        first["Catch"] = [_caught("States.QueryEvaluationError", again), *first["Catch"]]
        return {
            block.id: first,
            again: {
                **self._task(block, error, '"again": true'),
                "Output": f"{{% {_ANSWER} %}}",
                "Next": f"{again}?",
            },
            f"{again}?": _choice([_on("done", place), _on("wait", waits)], error),
            waits: {
                "Type": "Wait",
                "Seconds": "{% $states.input.wait_seconds %}",
                "Next": again,
            },
        }

    def _told(self, scope: Scope, block: Block) -> States:
        """A task that somebody else ends, with its token: nobody would answer if asked again."""
        error = self._error(scope, block)
        way = _way(scope, scope.after(block))
        result = "0" if "End" in way else _TOLD
        done = f'{_TOLD}.outcome = "done" ? {result} : $error("it failed")'
        task = {**self._token_task(block, error), "TimeoutSeconds": LONGEST_SECONDS}
        failed = _caught("States.QueryEvaluationError", error)
        task["Catch"] = [failed, *task["Catch"]]
        return {block.id: {**task, "Output": f"{{% {done} %}}", **way}}

    def _decision(self, scope: Scope, block: DecisionBlock) -> States:
        error = self._error(scope, block)
        choices = [
            _on(f"branch-{number}", _place(scope, branch.go_to))
            for number, branch in enumerate(block.branches)
        ]
        choices.append(_on("done", _place(scope, scope.after(block))))
        task = {**self._task(block, error), "Output": f"{{% {_ANSWER} %}}"}
        way = f"{block.id} way?"
        return {block.id: {**task, "Next": way}, way: _choice(choices, error)}

    def _wait(self, scope: Scope, block: WaitBlock) -> States:
        over = f"{block.id} over"
        state: State = {"Type": "Wait", "Timestamp": "{% $states.input.until %}"}
        way = _way(scope, scope.after(block))
        if "End" in way:
            state["Output"] = 0
        return {**self._asked(scope, block, {"Next": over}, over), over: {**state, **way}}

    def _for_each(self, scope: Scope, block: ForEachBlock) -> States:
        rows = f"{block.id} rows"
        row = f'"{block.id}." & $states.context.Map.Item.Value'
        at = f'$states.input.at = "" ? {row} : $states.input.at & "/" & {row}'
        # A person has few accounts, and the history is one; many rows would outgrow its 25,000
        # events.
        inline = block.over == "accounts"
        mode = (
            {"Mode": "INLINE"} if inline else {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        )
        state: State = {
            "Type": "Map",
            **({} if inline else {"Label": block.id}),
            "Items": "{% $states.input.count = 0 ? [] : [0..$states.input.count - 1] %}",
            "ItemSelector": {
                "execution": "{% $states.input.execution %}",
                "attempt": "{% $states.input.attempt %}",
                "at": f"{{% {at} %}}",
            },
            "MaxConcurrency": block.at_once,
            "ItemProcessor": {"ProcessorConfig": mode, **self.scope(self._inside(block)[0])},
            **self._sum(scope, block),
        }
        return {**self._asked(scope, block, {"Next": rows}, rows), rows: state}

    def _parallel(self, scope: Scope, block: ParallelBlock) -> States:
        branches = [self.scope(inside) for inside in self._inside(block)]
        return {block.id: {"Type": "Parallel", "Branches": branches, **self._sum(scope, block)}}

    def _sum(self, scope: Scope, block: Block) -> State:
        """How a state goes on whose lists have ended, each with 0, or 1 where it failed."""
        way = _way(scope, scope.after(block))
        result = "0" if "End" in way else "$states.input"
        some = f'{{"outcome": "failed", "lost": {{"block": "{block.id}", "error": "inner"}}}}'
        failed = _caught(
            "States.ALL",
            self._error(scope, block),
            f"{{% $merge([$states.input, {some}]) %}}",
        )
        return {
            "Output": f'{{% $sum($states.result) > 0 ? $error("some failed") : {result} %}}',
            "Catch": [failed],
            **way,
        }

    def _approval(self, scope: Scope, block: ApprovalBlock) -> States:
        error, following = self._error(scope, block), _place(scope, scope.after(block))
        late, said = f"{block.id} late", f"{block.id} said?"
        task = {**self._token_task(block, error), "Output": f"{{% {_TOLD} %}}", "Next": said}
        task["TimeoutSeconds"] = int(duration(block.deadline).total_seconds())
        task["Catch"] = [_caught("States.Timeout", late), *task["Catch"]]
        choices = [_on("done", following)]
        match block.on_deny:
            case GoTo(go_to=place):
                choices.append(_on("deny", _place(scope, place)))
            case "continue":
                choices.append(_on("deny", following))
            case _:
                choices.append(_on("deny", _place(scope, END)))
        if isinstance(block.on_deadline, GoTo):
            choices.append(_on("late", _place(scope, block.on_deadline.go_to)))
        ask = {**self._task(block, error, step="late"), "Output": f"{{% {_ANSWER} %}}"}
        return {block.id: task, late: {**ask, "Next": said}, said: _choice(choices, error)}

    def _end(self, scope: Scope, block: EndBlock) -> States:
        task = self._task(block, _failed(scope))
        if scope.owner is not None:
            return {block.id: {**task, "Output": int(block.result == "failed"), "End": True}}
        way = {"Next": "Failed"} if block.result == "failed" else {"End": True}
        return {block.id: {**task, "Output": f"{{% {_ANSWER} %}}", **way}}

    def _ends(self, scope: Scope) -> States:
        """How a list ends: well, or not, or well although a function died over its last block."""
        if scope.owner is None:
            return {
                "End": {**self._note("end"), "Output": f"{{% {_ANSWER} %}}", "End": True},
                "Fail": {**self._note("fail"), "Output": f"{{% {_ANSWER} %}}", "Next": "Failed"},
                "Failed": {"Type": "Fail", "Error": _text("code"), "Cause": _text("detail")},
            }
        broken = f"{_named(scope)} not noted"
        note = {**self._note("note"), "Catch": [_caught("States.ALL", broken)]}
        return {
            _place(scope, END): {"Type": "Pass", "Output": 0, "End": True},
            _noted(scope): {**note, "Output": 0, "End": True},
            _failed(scope): {**note, "Output": 1, "End": True},
            broken: {"Type": "Pass", "Output": 1, "End": True},
        }

    def _inside(self, block: Block) -> list[Scope]:
        return [scope for scope in self._graph.scopes if scope.owner is block]

    def _error(self, scope: Scope, block: Block) -> str:
        """Where the path goes when the block has failed. What is lost must come to a task."""
        place = scope.on_error(block)
        if place is None:
            return _failed(scope)
        return _noted(scope) if place == END else place

    def _task(self, block: Block, error: str, said: str = "", step: str = "block") -> State:
        """A task that hands the block to the function; `error` is where a function that died leads.

        `said` is more of the payload.
        """
        lost = f'"lost": {{"block": "{block.id}", "error": $states.errorOutput.Error}}'
        output = f'{{% $merge([$states.input, {{"outcome": "failed", {lost}}}]) %}}'
        more = f'"block": "{block.id}"' + (f", {said}" if said else "")
        return {**self._invoke(step, more), "Catch": [_caught("States.ALL", error, output)]}

    def _token_task(self, block: Block, error: str) -> State:
        task = self._task(block, error, '"token": $states.context.Task.Token')
        return {**task, "Resource": f"{_INVOKE}.waitForTaskToken"}

    def _note(self, step: str) -> State:
        """A task that belongs to no block: it notes how its list ended."""
        return self._invoke(step)

    def _invoke(self, step: str, more: str = "") -> State:
        said = f'"step": "{step}"' + (f", {more}" if more else "")
        return {
            "Type": "Task",
            "Resource": _INVOKE,
            "Arguments": {
                "FunctionName": self._function,
                "Payload": f"{{% $merge([$states.input, {{{said}}}]) %}}",
            },
            "TimeoutSeconds": TASK_SECONDS,
            "Retry": _RETRY,
        }


def _way(scope: Scope, following: str) -> State:
    """How a state goes on; a list within a block ends with any state but a choice."""
    if following == END and scope.owner is not None:
        return {"End": True}
    return {"Next": _place(scope, following)}


def _place(scope: Scope, block_id: str) -> str:
    if block_id != END:
        return block_id
    return "End" if scope.owner is None else f"{_named(scope)} end"


def _failed(scope: Scope) -> str:
    return "Fail" if scope.owner is None else f"{_named(scope)} failed"


def _noted(scope: Scope) -> str:
    return "End" if scope.owner is None else f"{_named(scope)} noted"


def _named(scope: Scope) -> str:
    """What tells this list from the others of the machine: its block, and which of its branches."""
    if scope.owner is None:
        raise ValueError("the outermost list has no block")
    branch = scope.path.removesuffix(".blocks").rpartition(".")[2]
    is_branch = isinstance(scope.owner, ParallelBlock)
    return f"{scope.owner.id} {branch}" if is_branch else scope.owner.id


def _text(name: str) -> str:
    return f'{{% $exists($states.input.{name}) ? $string($states.input.{name}) : "failed" %}}'


def _choice(choices: list[State], error: str) -> State:
    return {"Type": "Choice", "Choices": choices, "Default": error}


def _on(outcome: str, place: str) -> State:
    return {"Condition": f'{{% $states.input.outcome = "{outcome}" %}}', "Next": place}


def _caught(error: str, place: str, output: str = _INPUT) -> State:
    return {"ErrorEquals": [error], "Output": output, "Next": place}


def targets(state: Mapping[str, Any]) -> list[str]:
    """The states that a state may go to."""
    ways = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return [way[name] for way in ways for name in ("Next", "Default") if name in way]
