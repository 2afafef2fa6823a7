//! Faults on demand.

use super::*;

async fn force(sandbox: &Sandbox) -> http::Response<Bytes> {
    let body = json!({"cluster": "prod", "service": "api-prod", "forceNewDeployment": true});
    let request = Request::post("/")
        .header(
            "x-amz-target",
            "AmazonEC2ContainerServiceV20141113.UpdateService",
        )
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-west-1/ecs/aws4_request",
        )
        .body(Bytes::from(body.to_string()))
        .unwrap();
    sandbox.answer(request).await
}

#[tokio::test(start_paused = true)]
async fn each_fault_does_what_it_says() {
    let refuse = Fault::Refuse {
        status: 503,
        code: "ServerException".to_owned(),
        message: "Service Unavailable".to_owned(),
    };
    let plan = [
        Fault::CutBefore,
        refuse,
        Fault::Delay(Duration::from_secs(7)),
        Fault::CutAfter,
    ];
    let healthy = seeded();
    let begun = async || {
        let list = json!({"cluster": "prod", "service": "api-prod"});
        let list = ecs(&healthy, "ListServiceDeployments", list).await;
        list["serviceDeployments"].as_array().unwrap().len()
    };
    let before = begun().await;
    let asked = healthy.calls().len();
    let faulty = healthy
        .clone()
        .with_faults(move |call: &Call, number: usize| {
            assert_eq!(call.operation, "UpdateService");
            plan[number - asked].clone()
        });
    let cut =
        |response: &http::Response<Bytes>| response.extensions().get::<ConnectionCut>().is_some();

    assert!(cut(&force(&faulty).await));
    let refused = force(&faulty).await;
    assert_eq!(
        (
            refused.status().as_u16(),
            refused.headers()["x-amzn-errortype"].to_str().unwrap()
        ),
        (503, "ServerException")
    );
    let start = tokio::time::Instant::now();
    assert_eq!(force(&faulty).await.status(), 200);
    assert_eq!(start.elapsed(), Duration::from_secs(7));
    assert!(cut(&force(&faulty).await));
    assert_eq!(begun().await, before + 2, "the two that took effect");
}
