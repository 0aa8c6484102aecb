"""From template.yaml to what the local AWS understands: plain CloudFormation, the API in parts.

Pure functions over dictionaries. The local AWS would expand SAM itself, but then ignores the
OpenAPI body that SAM writes for an HTTP API: the stack says CREATE_COMPLETE and every call is 404.
"""

import copy
import re
import string
from pathlib import Path
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

from local.ministack import REGION

Template = dict[str, Any]
METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}
ANY_METHOD = "x-amazon-apigateway-any-method"
AWS_ADDRESS = re.compile(
    r"https://(\$\{\w+\})\.execute-api\.\$\{AWS::Region\}\.\$\{AWS::URLSuffix\}"
)
"""Where AWS has an HTTP API, as a template says it."""


def read_template(path: Path) -> Template:
    """The template with its short forms (!Ref) written out."""
    template: Template = yaml_parse(path.read_text())
    return template


def to_cloudformation(template: Template) -> Template:
    """Plain CloudFormation for a SAM template whose code is in S3; the input stays as it is."""
    session = boto3.Session("test", "test", region_name=REGION)
    translator = Translator({}, Parser(), boto_session=session)
    parameters = {"AWS::Region": REGION, "AWS::Partition": "aws"}
    plain: Template = translator.translate(copy.deepcopy(template), parameters)
    return exclude_punctuation(unroll_apis(plain))


def unroll_apis(template: Template) -> Template:
    """The template with each HTTP API's OpenAPI body as integrations, routes and authorizers."""
    resources: dict[str, Any] = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::ApiGatewayV2::Api" and "Body" in resource["Properties"]:
            resources.update(_unrolled(name, resource))
        else:
            resources[name] = resource
    return {**template, "Resources": resources}


def exclude_punctuation(template: Template) -> Template:
    """The template with secrets that exclude punctuation saying so character by character.

    The local AWS reads only ExcludeCharacters when it generates a secret.
    """
    spelled = copy.deepcopy(template)
    for resource in spelled["Resources"].values():
        generate = resource.get("Properties", {}).get("GenerateSecretString", {})
        if resource["Type"] == "AWS::SecretsManager::Secret" and generate.get("ExcludePunctuation"):
            generate["ExcludeCharacters"] = string.punctuation
    return spelled


def address_here(template: Template, endpoint: str) -> Template:
    """The template with the addresses of its HTTP APIs as they are on the local AWS."""

    def here(value: Any) -> Any:
        match value:
            case dict():
                return {name: here(part) for name, part in value.items()}
            case list():
                return [here(part) for part in value]
            case str():
                return AWS_ADDRESS.sub(rf"{endpoint}/_aws/execute-api/\1/$default", value)
            case _:
                return value

    addressed: Template = here(template)
    return addressed


def _unrolled(api: str, resource: dict[str, Any]) -> dict[str, Any]:
    properties = dict(resource["Properties"])
    body = properties.pop("Body")
    properties.pop("FailOnWarnings", None)
    properties |= {"Name": body["info"]["title"], "ProtocolType": "HTTP"}
    if cors := body.get("x-amazon-apigateway-cors"):
        properties["CorsConfiguration"] = cors  # camelCase in the body, the only form it honours
    parts: dict[str, Any] = {api: {**resource, "Properties": properties}}
    schemes = body.get("components", {}).get("securitySchemes", {})
    for name, scheme in schemes.items():
        if authorizer := scheme.get("x-amazon-apigateway-authorizer"):
            parts[_id(api, "Authorizer", name)] = _authorizer(api, name, authorizer)
    for path, operations in body["paths"].items():
        for method, operation in operations.items():
            if method in METHODS or method == ANY_METHOD:
                parts |= _route(api, path, method, operation)
    return parts


def _authorizer(api: str, name: str, authorizer: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": "AWS::ApiGatewayV2::Authorizer",
        "Properties": {
            "ApiId": {"Ref": api},
            "Name": name,
            "AuthorizerType": authorizer["type"].upper(),
            "AuthorizerUri": authorizer["authorizerUri"],
            "AuthorizerPayloadFormatVersion": authorizer["authorizerPayloadFormatVersion"],
            "AuthorizerResultTtlInSeconds": authorizer["authorizerResultTtlInSeconds"],
            "EnableSimpleResponses": authorizer["enableSimpleResponses"],
            "IdentitySource": authorizer["identitySource"],
        },
    }


def _route(api: str, path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    verb = "ANY" if method == ANY_METHOD else method.upper()
    integration = operation["x-amazon-apigateway-integration"]
    integration_id = _id(api, "Integration", verb, path)
    schemes = [name for scheme in operation.get("security", []) for name in scheme]
    route: dict[str, Any] = {
        "ApiId": {"Ref": api},
        "RouteKey": f"{verb} {path}",
        "Target": {"Fn::Join": ["/", ["integrations", {"Ref": integration_id}]]},
        "AuthorizationType": "NONE",
    }
    guards = [name for name in schemes if name != "NONE"]
    if guards:
        route["AuthorizationType"] = "CUSTOM"
        route["AuthorizerId"] = {"Ref": _id(api, "Authorizer", guards[0])}
    return {
        integration_id: {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "ApiId": {"Ref": api},
                "IntegrationType": integration["type"].upper(),
                "IntegrationUri": integration["uri"],
                "IntegrationMethod": integration["httpMethod"],
                "PayloadFormatVersion": integration["payloadFormatVersion"],
            },
        },
        _id(api, "Route", verb, path): {
            "Type": "AWS::ApiGatewayV2::Route",
            "Properties": route,
        },
    }


def _id(*words: str) -> str:
    """A logical id (letters and digits only) made of words."""
    return "".join(
        part[0].upper() + part[1:] for word in words for part in re.findall("[A-Za-z0-9]+", word)
    )
