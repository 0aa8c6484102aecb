from typing import Any

from local.translate import address_here, exclude_punctuation, unroll_apis

URI = {"Fn::Sub": "arn:${AWS::Partition}:apigateway:...:${Api.Arn}/invocations"}


def operation(*security: str) -> dict[str, Any]:
    integration = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": URI,
        "payloadFormatVersion": "2.0",
    }
    return {
        "x-amazon-apigateway-integration": integration,
        "security": [{name: []} for name in security],
    }


AUTHORIZER = {
    "type": "request",
    "authorizerUri": URI,
    "authorizerPayloadFormatVersion": "2.0",
    "authorizerResultTtlInSeconds": 60,
    "enableSimpleResponses": True,
    "identitySource": ["$request.header.Authorization"],
}
BODY: dict[str, Any] = {
    "info": {"title": {"Ref": "AWS::StackName"}},
    "paths": {
        "/v1/health": {"get": operation("NONE")},
        "/v1/{proxy+}": {"x-amazon-apigateway-any-method": operation("Token")},
    },
    "components": {"securitySchemes": {"Token": {"x-amazon-apigateway-authorizer": AUTHORIZER}}},
}


def unrolled(body: dict[str, Any]) -> dict[str, Any]:
    api = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Body": body, "FailOnWarnings": True}}
    other = {"Type": "AWS::SNS::Topic"}
    template = unroll_apis({"Resources": {"Http": api, "Other": other}})
    resources: dict[str, Any] = template["Resources"]
    assert resources.pop("Other") == other
    return resources


def test_the_body_becomes_an_integration_and_a_route_for_each_operation() -> None:
    resources = unrolled(BODY)
    assert {name: resource["Type"] for name, resource in resources.items()} == {
        "Http": "AWS::ApiGatewayV2::Api",
        "HttpAuthorizerToken": "AWS::ApiGatewayV2::Authorizer",
        "HttpIntegrationGETV1Health": "AWS::ApiGatewayV2::Integration",
        "HttpRouteGETV1Health": "AWS::ApiGatewayV2::Route",
        "HttpIntegrationANYV1Proxy": "AWS::ApiGatewayV2::Integration",
        "HttpRouteANYV1Proxy": "AWS::ApiGatewayV2::Route",
    }
    assert resources["Http"]["Properties"] == {
        "Name": {"Ref": "AWS::StackName"},
        "ProtocolType": "HTTP",
    }
    assert resources["HttpIntegrationGETV1Health"]["Properties"]["IntegrationUri"] == URI


def test_a_route_is_guarded_unless_it_says_none() -> None:
    resources = unrolled(BODY)
    assert resources["HttpRouteGETV1Health"]["Properties"]["AuthorizationType"] == "NONE"
    assert resources["HttpRouteANYV1Proxy"]["Properties"] == {
        "ApiId": {"Ref": "Http"},
        "RouteKey": "ANY /v1/{proxy+}",
        "Target": {"Fn::Join": ["/", ["integrations", {"Ref": "HttpIntegrationANYV1Proxy"}]]},
        "AuthorizationType": "CUSTOM",
        "AuthorizerId": {"Ref": "HttpAuthorizerToken"},
    }


def test_cors_keeps_the_case_of_the_body() -> None:
    cors = {"allowOrigins": ["*"]}
    resources = unrolled({**BODY, "x-amazon-apigateway-cors": cors})
    assert resources["Http"]["Properties"]["CorsConfiguration"] == cors


def test_a_secret_without_punctuation_says_which_characters_it_means() -> None:
    generate = {"PasswordLength": 48, "ExcludePunctuation": True}
    secret = {
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {"GenerateSecretString": generate},
    }
    template = exclude_punctuation({"Resources": {"Secret": secret}})
    spelled = template["Resources"]["Secret"]["Properties"]["GenerateSecretString"]
    assert set("&]{$'\"\\") < set(spelled["ExcludeCharacters"])
    assert "ExcludeCharacters" not in generate


def test_the_address_of_the_api_is_the_local_one_wherever_it_is_said() -> None:
    said = "https://${HttpApi}.execute-api.${AWS::Region}.${AWS::URLSuffix}"
    template = {"Outputs": {"Url": {"Value": {"Fn::Sub": said}}}, "Other": [f"{said}/v1", 1]}
    here = "http://127.0.0.1:4566/_aws/execute-api/${HttpApi}/$default"
    assert address_here(template, "http://127.0.0.1:4566") == {
        "Outputs": {"Url": {"Value": {"Fn::Sub": here}}},
        "Other": [f"{here}/v1", 1],
    }
