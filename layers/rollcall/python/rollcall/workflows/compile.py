"""From a document to a state machine in the Amazon States Language, with JSONata. Pure.

Each block is a task that hands itself, by its id, to the workflows function, and a choice of where
to go on. What flows from state to state is small: the execution's id, the row it is in (`at`), and
what the last task came to (`outcome`); everything else is in the runs table.

The function answers `outcome`: `done`, `wait` (do it again after `wait_seconds`), `failed`, or
where the path branches the name of the branch. A state that follows without a choice, a map or a
wait, is reached by an expression that fails, so that the task's own Catch leads on.

What a function that died came to cannot be noted by itself: `lost` goes along to the next task.
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
    Query,
    WaitBlock,
    WorkflowBlock,
    duration,
)
from rollcall.workflows.graph import Graph, Scope

State = dict[str, Any]
States = dict[str, State]
LONGEST_SECONDS = 31_536_000
"""An execution may take a year: https://docs.aws.amazon.com/step-functions/latest/dg/limits.html"""
_TASK_SECONDS = 330
_RETRY = [
    # An expression that fails on purpose is no accident.
    {"ErrorEquals": ["States.QueryEvaluationError", "States.Timeout"], "MaxAttempts": 0},
    {
        "ErrorEquals": ["Lambda.TooManyRequestsException"],
        "IntervalSeconds": 1,
        "BackoffRate": 1.5,
        "MaxAttempts": 10000,
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


def compiled(document: Document, function_arn: str) -> dict[str, Any]:
    """The state machine of a document in which `check` found nothing wrong.

    Its input is `{"execution": id, "at": ""}`.
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
        """The states of a list of blocks: where it starts, and all of them with its two ends."""
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
                return self._wait(scope, block)
            case ForEachBlock():
                return self._for_each(scope, block)
            case ParallelBlock():
                return self._parallel(scope, block)
            case ApprovalBlock():
                return self._approval(scope, block)
            case EndBlock():
                return self._end(scope, block)
            case _:
                return self._task_and_choice(scope, block)

    def _task_and_choice(self, scope: Scope, block: Block) -> States:
        waits = isinstance(block, WorkflowBlock) and block.wait
        branches = []
        if isinstance(block, DecisionBlock):
            branches = [
                _on(f"branch-{number}", _place(scope, branch.go_to))
                for number, branch in enumerate(block.branches)
            ]
        again = f"{block.id} waits"
        states = {
            block.id: self._task(block, f"{block.id} done?", token=waits),
            f"{block.id} done?": {
                "Type": "Choice",
                "Choices": [
                    _on("failed", self._error(scope, block)),
                    _on("wait", again),
                    *branches,
                ],
                "Default": _place(scope, scope.after(block)),
            },
            again: {
                "Type": "Wait",
                "Seconds": "{% $states.input.wait_seconds %}",
                "Next": block.id,
            },
        }
        if waits:
            states[block.id]["TimeoutSeconds"] = LONGEST_SECONDS
        return states

    def _wait(self, scope: Scope, block: WaitBlock) -> States:
        return {
            block.id: self._task(block, f"{block.id} over", fails_to=self._error(scope, block)),
            f"{block.id} over": {
                "Type": "Wait",
                "Timestamp": "{% $states.input.until %}",
                "Next": _place(scope, scope.after(block)),
            },
        }

    def _for_each(self, scope: Scope, block: ForEachBlock) -> States:
        body = self.scope(self._inside(block)[0])
        mode = {"Mode": "INLINE"}
        if isinstance(block.over, Query) or block.over != "accounts":
            # Many rows would outgrow the history of one execution: 25,000 events.
            mode = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        rows = f"{block.id} rows"
        error = self._error(scope, block)
        row = f'"{block.id}." & $states.context.Map.Item.Value'
        at = f'$states.input.at = "" ? {row} : $states.input.at & "/" & {row}'
        state: State = {
            "Type": "Map",
            "Items": "{% $states.input.count = 0 ? [] : [0..$states.input.count - 1] %}",
            "ItemSelector": {"execution": "{% $states.input.execution %}", "at": f"{{% {at} %}}"},
            "MaxConcurrency": block.at_once,
            "ItemProcessor": {"ProcessorConfig": mode, **body},
            **_inner_end(block, error),
            "Next": _place(scope, scope.after(block)),
        }
        if mode["Mode"] == "DISTRIBUTED":
            state["Label"] = block.id
        return {block.id: self._task(block, rows, fails_to=error), rows: state}

    def _parallel(self, scope: Scope, block: ParallelBlock) -> States:
        return {
            block.id: {
                "Type": "Parallel",
                "Branches": [self.scope(inside) for inside in self._inside(block)],
                **_inner_end(block, self._error(scope, block)),
                "Next": _place(scope, scope.after(block)),
            }
        }

    def _approval(self, scope: Scope, block: ApprovalBlock) -> States:
        late = f"{block.id} late"
        task = self._task(block, f"{block.id} done?", token=True)
        task["TimeoutSeconds"] = int(duration(block.deadline).total_seconds())
        task["Catch"].insert(
            0,
            {
                "ErrorEquals": ["States.Timeout"],
                "Output": "{% $states.input %}",
                "Next": late,
            },
        )
        denied = {
            "end": _place(scope, END),
            "continue": _place(scope, scope.after(block)),
        }
        deny = block.on_deny
        choices = [
            _on("failed", self._error(scope, block)),
            _on("deny", _place(scope, deny.go_to) if isinstance(deny, GoTo) else denied[deny]),
        ]
        if isinstance(block.on_deadline, GoTo):
            choices.append(_on("late", _place(scope, block.on_deadline.go_to)))
        return {
            block.id: task,
            late: self._task(block, f"{block.id} done?", step="late"),
            f"{block.id} done?": {
                "Type": "Choice",
                "Choices": choices,
                "Default": _place(scope, scope.after(block)),
            },
        }

    def _end(self, scope: Scope, block: EndBlock) -> States:
        if scope.owner is not None:
            place = _failed(scope) if block.result == "failed" else _place(scope, END)
            return {block.id: self._task(block, place)}
        if block.result == "failed":
            return {block.id: self._task(block, "Failed")}
        return {block.id: self._task(block, None)}

    def _ends(self, scope: Scope) -> States:
        """How a list ends: well, and not. What is in another block tells it by a number."""
        if scope.owner is None:
            return {
                "End": self._note("end", None),
                "Fail": self._note("fail", "Failed"),
                "Failed": {
                    "Type": "Fail",
                    "Error": "{% $states.input.code %}",
                    "Cause": "{% $states.input.detail %}",
                },
            }
        failed = _failed(scope)
        return {
            _place(scope, END): {"Type": "Succeed", "Output": 0},
            failed: self._note("note", f"{failed}, noted"),
            f"{failed}, noted": {"Type": "Succeed", "Output": 1},
        }

    def _inside(self, block: Block) -> list[Scope]:
        return [scope for scope in self._graph.scopes if scope.owner is block]

    def _error(self, scope: Scope, block: Block) -> str:
        place = scope.on_error(block)
        return _failed(scope) if place is None else _place(scope, place)

    def _task(
        self,
        block: Block,
        following: str | None,
        *,
        step: str = "block",
        token: bool = False,
        fails_to: str | None = None,
    ) -> State:
        """The block's task. `fails_to` is where it goes if the outcome is `failed` and no choice
        follows.
        """
        said = f'"step": "{step}", "block": "{block.id}"'
        if token:
            said += ', "token": $states.context.Task.Token'
        result = "$states.result" if token else "$states.result.Payload"
        output = result
        if fails_to is not None:
            output = f'{result}.outcome = "failed" ? $error("the block failed") : {result}'
        lost = f'{{"outcome": "failed", "lost": {{"block": "{block.id}", {_ERROR}}}}}'
        # Without a choice to read it, the failure must lead to the same place as a failed outcome.
        failed_at = fails_to or following
        catch = {
            "ErrorEquals": ["States.ALL"],
            "Output": f"{{% $merge([$states.input, {lost}]) %}}",
            "Next": failed_at,
        }
        resource = "arn:aws:states:::lambda:invoke" + (".waitForTaskToken" if token else "")
        state: State = {
            "Type": "Task",
            "Resource": resource,
            "Arguments": {
                "FunctionName": self._function,
                "Payload": f"{{% $merge([$states.input, {{{said}}}]) %}}",
            },
            "TimeoutSeconds": _TASK_SECONDS,
            "Retry": _RETRY,
            "Output": f"{{% {output} %}}",
        }
        if following is None:
            return {**state, "End": True}
        return {**state, "Catch": [catch], "Next": following}

    def _note(self, step: str, following: str | None) -> State:
        """A task that belongs to no block: it notes how its list ended."""
        return {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {
                "FunctionName": self._function,
                "Payload": f'{{% $merge([$states.input, {{"step": "{step}"}}]) %}}',
            },
            "TimeoutSeconds": _TASK_SECONDS,
            "Retry": _RETRY,
            "Output": "{% $states.result.Payload %}",
            **({"End": True} if following is None else {"Next": following}),
        }


_ERROR = '"error": $states.errorOutput.Error'


def _inner_end(block: Block, error: str) -> State:
    """How a state goes on whose lists have ended, each with 0, or 1 where it failed."""
    some = '{"outcome": "failed", "lost": {"block": "' + block.id + '", "error": "inner"}}'
    return {
        "Output": '{% $sum($states.result) > 0 ? $error("some failed") : $states.input %}',
        "Catch": [
            {
                "ErrorEquals": ["States.ALL"],
                "Output": f"{{% $merge([$states.input, {some}]) %}}",
                "Next": error,
            }
        ],
    }


def _place(scope: Scope, block_id: str) -> str:
    if block_id != END:
        return block_id
    return "End" if scope.owner is None else f"{_named(scope)} end"


def _failed(scope: Scope) -> str:
    return "Fail" if scope.owner is None else f"{_named(scope)} failed"


def _named(scope: Scope) -> str:
    """What tells this list from the others of the machine: its block, and which of its branches."""
    if scope.owner is None:
        raise ValueError("the outermost list has no block")
    branch = scope.path.removesuffix(".blocks").rpartition(".")[2]
    is_branch = isinstance(scope.owner, ParallelBlock)
    return f"{scope.owner.id} {branch}" if is_branch else scope.owner.id


def _on(outcome: str, place: str) -> State:
    return {"Condition": f'{{% $states.input.outcome = "{outcome}" %}}', "Next": place}


def targets(state: Mapping[str, Any]) -> list[str]:
    """The states that a state may go to."""
    ways = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return [way[name] for way in ways for name in ("Next", "Default") if name in way]
